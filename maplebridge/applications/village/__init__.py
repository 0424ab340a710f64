"""Village life: notices, the three public ledgers, covenants, activities and the mailbox."""
