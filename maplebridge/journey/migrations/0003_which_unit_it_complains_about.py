"""A fifth automatic step: which unit a report complains about."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("journey", "0002_editions")]

    operations = [
        migrations.AlterField(
            model_name="decisionrecord",
            name="step",
            field=models.CharField(
                choices=[
                    ("locate", "Place"),
                    ("classify", "Category"),
                    ("dedupe", "Twins"),
                    ("route", "Owner"),
                    ("about", "Unit complained about"),
                ],
                max_length=12,
            ),
        ),
    ]
