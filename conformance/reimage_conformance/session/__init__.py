"""The session: cases run at the same time, with what they share: sending, operations, instances, the campaign of reimages, the budget."""
