"""What commands print: stable English JSON for scripts, sentences and pages for people."""
