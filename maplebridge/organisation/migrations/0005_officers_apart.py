"""The database keeps the three officers apart, whatever the application forgets."""

import django.db.models.functions.datetime
from django.db import migrations, models

import maplebridge.lib.clock

# Read again by key, so that of a row that is gone by the end of the transaction nothing is said.
# The account's row is locked: of two posts given at once the second waits and is looked at.
APART = """
CREATE FUNCTION organisation_officers_apart() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $body$
BEGIN
  PERFORM 1 FROM organisation_account WHERE id = NEW.account_id FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT 1
    FROM organisation_holding this
    JOIN organisation_post here ON here.code = this.post_id
    JOIN organisation_holding other ON other.account_id = this.account_id AND other.id <> this.id
    JOIN organisation_post there ON there.code = other.post_id
    WHERE this.id = NEW.id
      AND here.role <> there.role
      AND (here.role IN ('administrator', 'security', 'auditor')
           OR there.role IN ('administrator', 'security', 'auditor'))
      AND daterange(this.begins, this.ends, '[]') && daterange(other.begins, other.ends, '[]')
  ) THEN
    RAISE EXCEPTION 'holding_officers_apart: an officer''s post stands alone'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'holding_officers_apart';
  END IF;
  RETURN NULL;
END $body$;

CREATE CONSTRAINT TRIGGER holding_officers_apart
AFTER INSERT OR UPDATE ON organisation_holding
DEFERRABLE INITIALLY IMMEDIATE
FOR EACH ROW EXECUTE FUNCTION organisation_officers_apart();

CREATE FUNCTION organisation_role_stays() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $body$
BEGIN
  RAISE EXCEPTION 'post_role_stays: the role of a post never changes; make another post'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'post_role_stays';
END $body$;

CREATE TRIGGER post_role_stays
BEFORE UPDATE ON organisation_post
FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role)
EXECUTE FUNCTION organisation_role_stays();
"""
TOGETHER = """
DROP TRIGGER post_role_stays ON organisation_post;
DROP FUNCTION organisation_role_stays();
DROP TRIGGER holding_officers_apart ON organisation_holding;
DROP FUNCTION organisation_officers_apart();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("organisation", "0004_accounts_and_acts"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="made_at",
            field=models.DateTimeField(
                default=maplebridge.lib.clock.now,
                db_default=django.db.models.functions.datetime.Now(),
                editable=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="holding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("agreed_by", None),
                    models.Q(("agreed_by", models.F("account_id")), _negated=True),
                    _connector="OR",
                ),
                name="holding_not_by_oneself",
            ),
        ),
        migrations.AlterField(
            model_name="act",
            name="deed",
            field=models.CharField(
                choices=[
                    ("account_made", "Made an account"),
                    ("account_closed", "Closed an account"),
                    ("account_opened", "Opened an account again"),
                    ("secret_given", "Gave a first password"),
                    ("factor_reset", "Reset a second factor"),
                    ("sessions_ended", "Signed out everywhere"),
                    ("post_given", "Gave a post"),
                    ("post_ended", "Ended a post"),
                    ("post_agreed", "Agreed to an officer's post"),
                    ("published", "Published an edition"),
                    ("grant_given", "Granted reading"),
                    ("grant_refused", "Refused to grant reading"),
                    ("grant_revoked", "Revoked a grant"),
                    ("hold_set", "Set a legal hold"),
                    ("hold_lifted", "Lifted a legal hold"),
                    ("destruction", "Ruled on a destruction list"),
                    ("keys_changed", "Changed the keys"),
                    ("exported", "Took out a list"),
                    ("signed_in", "Signed in"),
                    ("sign_in_failed", "Could not sign in"),
                    ("locked_out", "Had no try left"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunSQL(APART, TOGETHER),
    ]
