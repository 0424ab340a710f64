"""The programming interface: reports in, receipts out."""
