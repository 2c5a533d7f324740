from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Several refunds for a charge; the sum stands in the charge, and the database bounds it by what was paid.

    Going back is possible as long as no charge has two refunds.
    """

    dependencies = [
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='fee',
            field=models.PositiveBigIntegerField(default=0, verbose_name='kept when the seat was ended'),
        ),
        migrations.AddField(
            model_name='payment',
            name='refunded',
            field=models.PositiveBigIntegerField(default=0, verbose_name='of which goes back'),
        ),
        migrations.AlterField(
            model_name='refund',
            name='cause',
            field=models.CharField(choices=[('decided', 'Decided by the organizer'), ('no_seat', 'Paid after the hold was over, and no seat was left'), ('paid_twice', 'Paid a second time'), ('provider', 'Given back by the payment service')], default='decided', max_length=10, verbose_name='cause'),
        ),
        migrations.AlterField(
            model_name='callback',
            name='outcome',
            field=models.CharField(blank=True, choices=[('paid', 'Seated and enrolled'), ('refunding', 'Money goes back'), ('booked', 'Refund booked'), ('closed', 'Closed unpaid'), ('known', 'Known already'), ('ignored', 'Nothing to do'), ('repeated', 'Repeated message'), ('mismatch', 'Amount, currency, reference or merchant does not fit'), ('unknown_order', 'No such order'), ('early', 'About money we have not heard of yet')], max_length=40, verbose_name='what it did'),
        ),
        migrations.RemoveConstraint(model_name='refund', name='orders_refund_once'),
        migrations.RemoveConstraint(model_name='callback', name='orders_callback_once'),
        migrations.AddConstraint(
            model_name='callback',
            constraint=models.UniqueConstraint(condition=Q(('outcome__in', ['mismatch', 'unknown_order', 'early']), _negated=True), fields=('provider', 'event_id'), name='orders_callback_once'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=Q(('fee', 0), Q(('fee__lt', F('amount')), ('state__in', ['refunding', 'refunded'])), _connector='OR'), name='orders_fee'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=Q(Q(('kind', 'charge'), ('refunded__lte', F('amount'))), Q(('kind', 'refund'), ('refunded', 0)), _connector='OR'), name='orders_refunded_not_above_paid'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=Q(('amount__gt', 0)), name='orders_refund_amount'),
        ),
    ]
