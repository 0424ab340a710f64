"""What confirmed cases teach is a model with its card, no longer a list of words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journey", "0005_owners_learned_from_past_cases"),
    ]

    operations = [
        migrations.CreateModel(
            name="LearnedLabels",
            fields=[
                ("version", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("parameters", models.BinaryField()),
                ("card", models.JSONField()),
                ("learned_from", models.IntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.DeleteModel(
            name="LearnedWords",
        ),
    ]
