"""Faults in Get Deployment and Get Cloud Service Properties: their addresses, answers and documents."""
