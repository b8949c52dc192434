"""S3's buckets, and the conditions under which objects are written: the state's locks are made of them."""

import pytest

PUT = {"Bucket": "state", "Key": "prod/lock"}


@pytest.fixture
def s3(process):
    def make(account, region="us-east-1"):
        return process.client("s3", account, region)

    return make


def test_a_write_on_condition_is_done_once(s3, refused):
    s3 = s3("210000000001")
    s3.create_bucket(Bucket="state")
    first = s3.put_object(**PUT, Body=b"one", IfNoneMatch="*")["ETag"]
    assert refused(s3.put_object, **PUT, Body=b"two", IfNoneMatch="*").startswith("PreconditionFailed")
    second = s3.put_object(**PUT, Body=b"two", IfMatch=first)["ETag"]
    assert refused(s3.put_object, **PUT, Body=b"three", IfMatch=first).startswith("PreconditionFailed")
    seen = s3.get_object(**PUT)
    assert (seen["Body"].read(), seen["ETag"]) == (b"two", second)
    s3.delete_object(**PUT)
    assert refused(s3.put_object, **PUT, Body=b"four", IfMatch=second).startswith("NoSuchKey")


def test_a_bucket_is_in_one_region(s3, refused):
    account = "210000000002"
    there = s3(account, "eu-west-1")
    there.create_bucket(Bucket="there", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    there.put_object(Bucket="there", Key="key", Body=b"body")
    assert there.list_objects_v2(Bucket="there")["KeyCount"] == 1
    assert there.delete_objects(Bucket="there", Delete={"Objects": [{"Key": "key"}]})["Deleted"] == [{"Key": "key"}]
    said = refused(s3(account, "eu-central-1").list_objects_v2, Bucket="there")
    assert said.startswith("AuthorizationHeaderMalformed") and "eu-west-1" in said
