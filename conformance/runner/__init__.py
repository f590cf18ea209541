"""The runner: budget, operations under way, the campaign of observed reimages, and the system under test that cases speak to."""
