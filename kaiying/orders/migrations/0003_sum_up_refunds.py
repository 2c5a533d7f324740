from django.db import migrations
from django.db.models import OuterRef, Subquery, Sum


def sum_up(apps, schema_editor):
    """Write into each charge what of it goes back; before, that was the charge as a whole or nothing."""
    Payment, Refund = apps.get_model("orders", "Payment"), apps.get_model("orders", "Refund")
    standing = Refund.objects.filter(charge=OuterRef("pk"), state__in=["asked", "done"])
    of_charge = standing.order_by().values("charge").annotate(sum=Sum("amount")).values("sum")
    touched = Refund.objects.filter(state__in=["asked", "done"]).values("charge")
    Payment.objects.filter(pk__in=touched).update(refunded=Subquery(of_charge))


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0002_partial_refunds'),
    ]

    operations = [
        migrations.RunPython(sum_up, migrations.RunPython.noop),
    ]
