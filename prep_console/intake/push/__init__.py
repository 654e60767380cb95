"""Deliveries that the institute pushes over SSH: its account, its sessions and their marks."""
