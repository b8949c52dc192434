"""Who asks."""


def test_the_caller_is_a_user_of_its_account(client):
    identity = client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{identity['Account']}:user/sandbox"
