"""The store of sealed cuts, the live pointer, the modes, retention and the actions."""
