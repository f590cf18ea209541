"""Faults in addresses: comp, the two URI forms, the slot, and names."""
