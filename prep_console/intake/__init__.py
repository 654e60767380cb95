"""How deliveries come: staging, the gate, assembly of parts into cuts, quarantine, drop folder."""
