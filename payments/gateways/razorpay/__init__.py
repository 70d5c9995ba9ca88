"""Razorpay: an order made at its API, paid in its widget on a page of ours.

An order can be tried again as often as one likes, and can't be closed. https://razorpay.com/docs/api/orders/
"""

from payments.gateways.razorpay.gateway import RazorpayGateway

__all__ = ["RazorpayGateway"]
