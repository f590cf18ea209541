"""Faults in Get Deployment and Get Cloud Service Properties: how they are reached, and what their documents hold."""
