from django.db import migrations

from lib.trigrams import add_trigram_index


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_closed_accounts")]

    operations = [
        add_trigram_index("user_by_name_trigrams", table="accounts_user", text="upper(name)"),
        add_trigram_index("user_by_email_trigrams", table="accounts_user", text="upper(email)"),
    ]
