"""The sandbox's own books: what shops asked it to charge, what it paid back, what it still has to tell them."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class SandboxState(models.TextChoices):
    """Where a charge stands at the sandbox."""

    OPEN = "open", _("Waiting for payment")
    PAID = "paid", _("Paid")
    CLOSED = "closed", _("Closed unpaid")


class SandboxCharge(models.Model):
    """A charge a shop registered."""

    ref = models.CharField(max_length=40, unique=True)
    number = models.CharField(max_length=40, unique=True)
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    subject = models.CharField(max_length=200)
    return_url = models.CharField(max_length=300)
    notify_url = models.CharField(max_length=300)
    until = models.DateTimeField()
    state = models.CharField(max_length=6, choices=SandboxState, default=SandboxState.OPEN)
    transaction = models.CharField(max_length=40, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sandbox charge")
        verbose_name_plural = _("sandbox charges")

    def __str__(self) -> str:
        """Show the reference."""
        return self.ref


class SandboxRefund(models.Model):
    """Money the sandbox gave back, once per key."""

    charge = models.ForeignKey(SandboxCharge, on_delete=models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=64, unique=True)
    amount = models.PositiveBigIntegerField()
    transaction = models.CharField(max_length=40)

    class Meta:
        verbose_name = _("sandbox refund")
        verbose_name_plural = _("sandbox refunds")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["transaction"], name="sandbox_refund_transaction"),
        ]

    def __str__(self) -> str:
        """Show the key."""
        return self.key
