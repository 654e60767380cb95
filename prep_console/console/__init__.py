"""The Textual app: screens, bindings, themes."""
