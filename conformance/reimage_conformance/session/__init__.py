"""The session: cases run beside each other, with what they share: sending, operations, instances, the campaign of reimages, the budget."""
