"""Staff's pages of money, a file for each kind of row. Importing them registers them."""

from payments.admin import disputes, payments, payouts, refunds, webhook_events

__all__ = ["disputes", "payments", "payouts", "refunds", "webhook_events"]
