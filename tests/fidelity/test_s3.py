from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, allow, deny, policy, refusal

S3 = "S3"
GUIDE = "AmazonS3/latest/userguide/"
API = "AmazonS3/latest/API/"
PART = 5 * 1024 * 1024  # bytes; the least a part but the last may have


def put(url: str, body: bytes) -> int:
    """The status of a PUT without any header of its own; a content type would have to be signed, too."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("PUT", f"{parts.path}?{parts.query}", body)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def s3(aws: Outside) -> Any:
    return aws.client("s3")


@pytest.fixture
def bucket(aws: Outside, s3: Any) -> str:
    name = aws.name("bucket")
    s3.create_bucket(Bucket=name)
    return name


def versioned(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@behaviour(S3, "an object is read as it was last written", GUIDE + "Welcome.html#ConsistencyModel")
def test_reads_what_was_written(s3: Any, bucket: str) -> None:
    for text in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="a/b c.txt", Body=text, ContentType="text/plain", Metadata={"who": "ada"})
        got = s3.get_object(Bucket=bucket, Key="a/b c.txt")
        assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (text, "text/plain", {"who": "ada"})


@behaviour(S3, "reading a key that is not there is NoSuchKey", API + "API_GetObject.html")
def test_no_such_key(s3: Any, bucket: str) -> None:
    assert refusal(s3.get_object, Bucket=bucket, Key="nothing")[0] == "NoSuchKey"


@behaviour(S3, "HEAD of a key that is not there is 404 without a body", API + "API_HeadObject.html")
def test_head_of_nothing(s3: Any, bucket: str) -> None:
    with pytest.raises(ClientError) as raised:
        s3.head_object(Bucket=bucket, Key="nothing")
    assert raised.value.response["Error"]["Code"] == "404"


@behaviour(S3, "deleting a key that is not there succeeds", API + "API_DeleteObject.html")
def test_deletes_nothing(s3: Any, bucket: str) -> None:
    assert s3.delete_object(Bucket=bucket, Key="nothing")["ResponseMetadata"]["HTTPStatusCode"] == 204


@behaviour(S3, "a bucket with objects cannot be deleted: BucketNotEmpty", GUIDE + "delete-bucket.html")
def test_keeps_a_bucket_with_objects(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    assert refusal(s3.delete_bucket, Bucket=bucket)[0] == "BucketNotEmpty"


@behaviour(S3, "listing pages by 1,000 keys at most, in the order of their bytes", API + "API_ListObjectsV2.html")
def test_lists_in_pages(s3: Any, bucket: str) -> None:
    keys = ["b", "a", "ä", "B", "a/1"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = [
        [each["Key"] for each in page["Contents"]]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    ]
    assert pages == [["B", "a"], ["a/1", "b"], ["ä"]]


@behaviour(S3, "a delimiter rolls keys up into common prefixes", GUIDE + "using-prefixes.html")
def test_common_prefixes(s3: Any, bucket: str) -> None:
    for key in ("in/1", "in/2", "out/1", "top"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in listed["CommonPrefixes"]] == ["in/", "out/"]
    assert [each["Key"] for each in listed["Contents"]] == ["top"]


@behaviour(S3, "a range of bytes is answered 206 with its Content-Range", API + "API_GetObject.html")
def test_ranges(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="a", Range="bytes=2-4")
    assert (got["Body"].read(), got["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


@behaviour(S3, "If-None-Match: * writes an object only once", GUIDE + "conditional-writes.html")
def test_writes_once(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    assert refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")[0] == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


@behaviour(S3, "If-Match writes over exactly the version that was read", GUIDE + "conditional-writes.html")
def test_writes_over_what_was_read(s3: Any, bucket: str) -> None:
    tag = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfMatch=tag)
    assert refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"3", IfMatch=tag)[0] == "PreconditionFailed"


@behaviour(S3, "an unchanged object is not sent again: 304", API + "API_GetObject.html")
def test_not_modified(s3: Any, bucket: str) -> None:
    tag = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["ETag"]
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket=bucket, Key="a", IfNoneMatch=tag)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


@behaviour(S3, "with versioning every write stays readable by its version", GUIDE + "versioning-workflows.html")
def test_versions(s3: Any, bucket: str) -> None:
    versioned(s3, bucket)
    versions = [s3.put_object(Bucket=bucket, Key="a", Body=text)["VersionId"] for text in (b"1", b"2")]
    assert s3.get_object(Bucket=bucket, Key="a", VersionId=versions[0])["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="a")["VersionId"] == versions[1]


@behaviour(S3, "deleting in a versioned bucket leaves a marker that can be removed", GUIDE + "DeleteMarker.html")
def test_delete_markers(s3: Any, bucket: str) -> None:
    versioned(s3, bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    marker = s3.delete_object(Bucket=bucket, Key="a")
    assert marker["DeleteMarker"] is True
    assert refusal(s3.get_object, Bucket=bucket, Key="a")[0] == "NoSuchKey"
    s3.delete_object(Bucket=bucket, Key="a", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


@behaviour(S3, "parts are joined in order, and the ETag counts them", GUIDE + "mpuoverview.html")
def test_multipart(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    texts = {2: b"end", 1: b"x" * PART}
    tags = {
        number: s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=text)["ETag"]
        for number, text in texts.items()
    }
    parts = [{"PartNumber": number, "ETag": tags[number]} for number in (1, 2)]
    done = s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"')
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == texts[1] + texts[2]


@behaviour(S3, "a part but the last below 5 MiB is EntityTooSmall", GUIDE + "qfacts.html")
def test_small_parts(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=b"small")["ETag"],
        }
        for number in (1, 2)
    ]
    code, _ = refusal(
        s3.complete_multipart_upload, Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    assert code == "EntityTooSmall"


@behaviour(S3, "a presigned URL lets its holder do one thing", GUIDE + "using-presigned-url.html")
def test_presigned(s3: Any, bucket: str) -> None:
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a"})
    assert put(url, b"sent") == 200
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"sent"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(url)  # GET is not what was signed
    assert raised.value.code == 403
    raised.value.close()


@behaviour(S3, "a presigned URL ends at its time", GUIDE + "using-presigned-url.html")
def test_presigned_is_over(s3: Any, bucket: str) -> None:
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, ExpiresIn=-1)
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(url)
    assert raised.value.code in {400, 403}
    raised.value.close()


@behaviour(S3, "a bucket's policy denies whom it names, whatever else allows", GUIDE + "example-bucket-policies.html")
def test_policy(aws: Outside, s3: Any, bucket: str) -> None:
    closed = deny("s3:PutObject", f"arn:aws:s3:::{bucket}/closed/*", Principal="*")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(closed))
    ada = aws.user("s3", allow("s3:*", "*"))
    ada.put_object(Bucket=bucket, Key="open/a", Body=b"")
    code, message = refusal(ada.put_object, Bucket=bucket, Key="closed/a", Body=b"")
    assert code == "AccessDenied"
    assert "explicit deny in a resource-based policy" in message


@behaviour(S3, "copying keeps content and metadata unless told otherwise", API + "API_CopyObject.html")
def test_copies(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", Metadata={"who": "ada"})
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    s3.copy_object(
        Bucket=bucket, Key="c", CopySource=f"{bucket}/a", MetadataDirective="REPLACE", Metadata={"who": "bob"}
    )
    assert [s3.head_object(Bucket=bucket, Key=key)["Metadata"]["who"] for key in "bc"] == ["ada", "bob"]


@behaviour(S3, "a wrong checksum is refused, and nothing is written", GUIDE + "checking-object-integrity.html")
def test_checksums(s3: Any, bucket: str) -> None:
    code, _ = refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"1", ChecksumSHA256="A" * 43 + "=")
    assert code == "BadDigest"
    assert refusal(s3.get_object, Bucket=bucket, Key="a")[0] == "NoSuchKey"


@behaviour(S3, "many keys are deleted at once, each with its own result", API + "API_DeleteObjects.html")
def test_deletes_many(s3: Any, bucket: str) -> None:
    for key in "ab":
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in "abc"]})
    assert sorted(each["Key"] for each in answer["Deleted"]) == ["a", "b", "c"]
