"""The wire: octets out as given, replies in as they came, and what happened as a value; nothing here judges."""
