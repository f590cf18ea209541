"""What must not be kept of an exchange: secrets and identifiers are masked, with masks as long as what they hide."""
