"""Past cases propose an owner where the responsibility table is silent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journey", "0004_phones_that_asked_for_news"),
    ]

    operations = [
        migrations.CreateModel(
            name="LearnedHandlers",
            fields=[
                ("version", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("handlers", models.BinaryField()),
                ("late", models.BinaryField(default=bytes)),
                ("returned", models.JSONField(default=list)),
                ("learned_from", models.IntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
