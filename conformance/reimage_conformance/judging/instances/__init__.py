"""Checks of what a reimage does to role instances: as Get Deployment and the probe show it, and to those that no target lists."""
