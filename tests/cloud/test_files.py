import io

import pytest

from emulator import cloud
from emulator.core.commands import (
    DeleteFiles,
    DownloadFile,
    FileOutcome,
    TemporaryUrls,
    UploadFile,
)
from emulator.core.errors import StorageFileNotExist

GONE = FileOutcome(file_id="cloud://e/gone", code="STORAGE_FILE_NONEXIST")


@pytest.mark.parametrize(
    "content",
    [b"hi", "hi", bytearray(b"hi"), io.BytesIO(b"hi"), io.StringIO("hi")],
    ids=["bytes", "text", "bytearray", "binary-file", "text-file"],
)
@pytest.mark.parametrize(
    "upload",
    [
        lambda content: cloud.upload_file(cloud_path="a/b.txt", file_content=content),
        lambda content: cloud.uploadFile(cloudPath="a/b.txt", fileContent=content),
        lambda content: cloud.upload_file({"cloudPath": "a/b.txt", "fileContent": content}),
    ],
    ids=["snake", "camel", "dict"],
)
def test_a_file_is_put_under_its_path(bound, upload, content):
    if hasattr(content, "seek"):
        content.seek(0)
    bound.answer(FileOutcome(file_id="cloud://e/a/b.txt"))
    assert upload(content) == {
        "fileID": "cloud://e/a/b.txt",
        "statusCode": 200,
        "errMsg": "uploadFile:ok",
    }
    assert bound.transport.last == UploadFile(cloud_path="a/b.txt", content=b"hi")


def test_a_file_is_read_whole(bound):
    bound.answer(b"hi", b"hi")
    expected = {"fileContent": b"hi", "statusCode": 200, "errMsg": "downloadFile:ok"}
    assert cloud.download_file(file_id="cloud://e/a") == expected
    assert cloud.downloadFile({"fileID": "cloud://e/a"}) == expected
    assert bound.transport.last == DownloadFile(file_id="cloud://e/a")


def test_a_missing_file_is_an_error_to_download(bound):
    bound.answer(StorageFileNotExist("no such file"))
    with pytest.raises(cloud.CloudError, match="downloadFile:fail -503003 storage file not exists"):
        cloud.download_file(file_id="cloud://e/gone")


def test_addresses_come_one_by_one_with_what_went_wrong(bound):
    bound.answer((GONE, FileOutcome(file_id="cloud://e/b", url="http://x/b", max_age_s=60)))
    answer = cloud.get_temp_file_url(
        file_list=["cloud://e/gone", {"fileID": "cloud://e/b", "maxAge": 60}]
    )
    assert answer == {
        "fileList": [
            {
                "fileID": "cloud://e/gone",
                "status": -503003,
                "errMsg": "storage file not exists",
                "maxAge": 0,
                "tempFileURL": "",
            },
            {
                "fileID": "cloud://e/b",
                "status": 0,
                "errMsg": "ok",
                "maxAge": 60,
                "tempFileURL": "http://x/b",
            },
        ],
        "errMsg": "getTempFileURL:ok",
    }
    assert bound.transport.last == TemporaryUrls(
        files=(("cloud://e/gone", None), ("cloud://e/b", 60))
    )


def test_deleting_tells_of_each_file(bound):
    bound.answer((GONE, FileOutcome(file_id="cloud://e/b")))
    assert cloud.delete_file({"fileList": ["cloud://e/gone", "cloud://e/b"]}) == {
        "fileList": [
            {"fileID": "cloud://e/gone", "status": -503003, "errMsg": "storage file not exists"},
            {"fileID": "cloud://e/b", "status": 0, "errMsg": "ok"},
        ],
        "errMsg": "deleteFile:ok",
    }
    assert bound.transport.last == DeleteFiles(file_ids=("cloud://e/gone", "cloud://e/b"))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: cloud.upload_file(file_content=b"x"), "parameter.cloud_path must be given"),
        (lambda: cloud.upload_file(cloud_path="a"), "fileContent must be bytes.*NoneType"),
        (lambda: cloud.upload_file(cloud_path="a", fileContents=b""), "fileContents is not known"),
        (lambda: cloud.download_file(), "parameter.file_id must be given"),
        (lambda: cloud.get_temp_file_url(file_list="a"), "should be list or tuple instead of str"),
        (lambda: cloud.get_temp_file_url(file_list=[5]), "-501007 .*则必须是字符串"),
        (lambda: cloud.get_temp_file_url(file_list=[{"maxAge": 5}]), "必须是包含 fileID 和 maxAge"),
        (lambda: cloud.delete_file(file_list=[5]), r"fileList\[0\] must be string instead of int"),
    ],
)
def test_wrong_arguments_are_named(bound, call, text):
    with pytest.raises(cloud.CloudError, match=text):
        call()
    assert bound.transport.commands == []
