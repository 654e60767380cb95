"""The supervisor that keeps intake, probes and alarms going; one leader per station."""
