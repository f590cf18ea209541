"""Oddities of concurrency: locks, requests that are refused now and then, and limits of requests and connections."""
