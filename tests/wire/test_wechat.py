"""WeChat's server HTTP API over a real suite: statements, envelopes, files, functions, tokens."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

FILES = {
    "cloudfunctions/echo/index.py": (
        "from emulator import cloud\n\n"
        "def main(event, context):\n"
        "    about = cloud.get_wx_context()\n"
        "    user, source = about.get('OPENID', ''), about['SOURCE']\n"
        "    return {'event': event, 'openid': user, 'source': source}\n"
    ),
    "cloudfunctions/fails/index.py": "def main(event, context):\n    raise ValueError('why')\n",
}


class Api:
    def __init__(self, running: Any, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session

    async def call(self, name: str, **body: Any) -> dict[str, Any]:
        url = f"{self.running.url}/tcb/{name}?access_token=any"
        text = json.dumps({"env": "demo-env", **body})
        async with self.session.post(url, data=text) as answer:
            assert answer.status == 200
            return json.loads(await answer.read())

    async def raw(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self.session.request(method, self.running.url + path, **options) as answer:
            assert answer.status == 200
            return json.loads(await answer.read())

    async def ok(self, name: str, **body: Any) -> dict[str, Any]:
        told = await self.call(name, **body)
        assert (told.pop("errcode"), told.pop("errmsg")) == (0, "ok"), told
        return told


@pytest.fixture
async def api(start_project) -> AsyncIterator[Api]:
    async with start_project(FILES) as running, aiohttp.ClientSession() as session:
        await running.seed({"geo": []})
        yield Api(running, session)


async def test_documents_are_added_found_changed_counted_and_deleted(api: Api):
    added = await api.ok(
        "databaseadd",
        query='db.collection("geo").add({ data: [\n'
        ' { _id: "a", due: new Date("2019-09-09"), tags: ["cloud"],\n'
        "   location: new db.Geo.Point(113, 23), done: false },\n"
        ' { _id: "b", n: 60 * 60 * 1000, done: true } ] })',
    )
    assert added == {"id_list": ["a", "b"]}
    found = await api.ok("databasequery", query="db.collection('geo').where({done:false}).get()")
    assert found["pager"] == {"Offset": 0, "Limit": 10, "Total": 1}
    assert json.loads(found["data"][0]) == {
        "_id": "a",
        "due": {"$date": "2019-09-09T00:00:00.000Z"},
        "tags": ["cloud"],
        "location": {"type": "Point", "coordinates": [113, 23]},
        "done": False,
    }
    updated = await api.ok(
        "databaseupdate",
        query="db.collection('geo').where({n:_.gt(1)}).update({data:{n:_.inc(1)}})",
    )
    assert updated == {"matched": 1, "modified": 1, "id": ""}
    made = await api.ok("databaseupdate", query="db.collection('geo').doc('c').set({data:{n:1}})")
    assert made == {"matched": 0, "modified": 0, "id": "c"}
    assert await api.ok("databasecount", query="db.collection('geo').count()") == {"count": 3}
    removed = await api.ok("databasedelete", query="db.collection('geo').doc('a').remove()")
    assert removed == {"deleted": 1}


async def test_the_page_tells_where_it_lies_in_all(api: Api):
    await api.running.seed({"geo": [{"_id": str(n), "n": n} for n in range(15)]})
    query = "db.collection('geo').where({n:_.gte(2)}).orderBy('n','desc').skip(1).limit(3).get()"
    found = await api.ok("databasequery", query=query)
    assert found["pager"] == {"Offset": 1, "Limit": 3, "Total": 13}
    assert [json.loads(each)["n"] for each in found["data"]] == [13, 12, 11]
    ten = await api.ok("databasequery", query="db.collection('geo').get()")
    assert len(ten["data"]) == 10


async def test_collections_are_made_listed_and_dropped(api: Api):
    await api.ok("databasecollectionadd", collection_name="more")
    listed = await api.ok("databasecollectionget", limit=1, offset=1)
    assert listed["pager"] == {"Offset": 1, "Limit": 1, "Total": 2}
    assert listed["collections"][0]["name"] == "more"
    await api.ok("databasecollectiondelete", collection_name="more")
    again = await api.call("databasecollectiondelete", collection_name="more")
    assert again["errcode"] == -502005


async def test_indexes_are_made_and_dropped(api: Api):
    keys = [{"name": "a", "direction": "1"}, {"name": "b", "direction": "-1"}]
    wanted = [{"name": "a_b", "unique": True, "keys": keys}]
    await api.ok("updateindex", collection_name="geo", create_indexes=wanted, drop_indexes=[])
    await api.ok("databaseadd", query="db.collection('geo').add({data: {a: 1, b: 2}})")
    twice = await api.call("databaseadd", query="db.collection('geo').add({data: {a: 1, b: 2}})")
    assert twice["errcode"] == -502001
    assert "E11000" in twice["errmsg"]
    (listed,) = (await api.ok("databasecollectionget"))["collections"]
    assert (listed["name"], listed["count"], listed["index_count"]) == ("geo", 1, 2)
    await api.ok("updateindex", collection_name="geo", drop_indexes=[{"name": "a_b"}])
    await api.ok("databaseadd", query="db.collection('geo').add({data: {a: 1, b: 2}})")
    place = [{"name": "p", "unique": False, "keys": [{"name": "p", "direction": "2dsphere"}]}]
    await api.ok("updateindex", collection_name="geo", create_indexes=place)


@pytest.mark.parametrize(
    ("name", "body", "number", "text"),
    [
        ("databasequery", {"query": "db.collection('no').get()"}, -502005, "Db or Table not exist"),
        ("databasequery", {"query": "db.collection('geo'"}, 40097, "line 1, column 20"),
        ("databasequery", {"query": "db.collection('geo').count()"}, 40097, "should end in get()"),
        ("databasequery", {}, 40101, "missing parameter: query"),
        ("databaseadd", {"query": "db.collection('geo').add()"}, 40097, "0 arguments given"),
        ("databasecollectionadd", {}, 40101, "collection_name"),
        ("databasecollectionadd", {"collection_name": "geo"}, -502001, "Table exist"),
        ("databasemigratequeryinfo", {"job_id": 5}, -501007, "no migration job 5"),
        ("batchdownloadfile", {"file_list": ["a"]}, 40097, "must be an object"),
        ("nosuchthing", {}, 40066, "invalid url"),
        ("updateindex", {"collection_name": "geo", "drop_indexes": ["a"]}, 40097, "an object"),
        ("updateindex", {"collection_name": "geo", "drop_indexes": [{}]}, 40101, "name"),
        (
            "updateindex",
            {"collection_name": "geo", "create_indexes": [{"name": "a", "keys": [{"name": "a"}]}]},
            -502001,
            "a",
        ),
    ],
)
async def test_refusals_have_the_number_and_say_what_is_wrong(
    api: Api, name: str, body: dict[str, Any], number: int, text: str
):
    told = await api.call(name, **body)
    assert told["errcode"] == number
    assert text in told["errmsg"]
    assert " rid: " in told["errmsg"]


@pytest.mark.parametrize(
    ("method", "path", "body", "number"),
    [
        ("GET", "/tcb/databasequery?access_token=t", None, 43002),
        ("POST", "/tcb/databasequery", b"{}", 41001),
        ("POST", "/tcb/databasequery?access_token=t", b"", 44002),
        ("POST", "/tcb/databasequery?access_token=t", b"{", 47001),
        ("POST", "/tcb/databasequery?access_token=t", b"[1]", 47001),
        ("POST", "/tcb/databasequery?access_token=t", b'{"query":"x"}', 40101),
        ("POST", "/tcb/invokecloudfunction?access_token=t&env=e", b"{}", 40101),
        ("GET", "/cgi-bin/token", None, 40002),
        ("GET", "/cgi-bin/token?grant_type=client_credential", None, 41002),
        ("GET", "/cgi-bin/token?grant_type=client_credential&appid=a", None, 41004),
    ],
)
async def test_requests_of_a_wrong_shape_are_refused_as_wechat_does(
    api: Api, method: str, path: str, body: bytes | None, number: int
):
    assert (await api.raw(method, path, data=body))["errcode"] == number


AS_SHOWN = [
    b"""{
    "env": "demo-env",
    "query": "db.collection(\\"geo\\").add({
      data: [{
        description: \\"item1\\",\t// a remark
        due: new Date(\\"2019-09-09\\"),
        location: new db.Geo.Point(113, 23)
      }]
    })"
}""",
    b"""{"env": "demo-env",
    "query": "db.collection(\\'geo\\').add({data: {name: \\'a\\\\nb\\'}})"}""",
]


async def test_requests_are_read_as_wechats_pages_show_them(api: Api):
    for body in AS_SHOWN:
        told = await api.raw("POST", "/tcb/databaseadd?access_token=t", data=body)
        assert told["errcode"] == 0, told
    found = await api.ok("databasequery", query="db.collection('geo').where({name: 'a\\nb'}).get()")
    assert found["pager"]["Total"] == 1
    for broken in (b'{"env": "\n', b'{"env": "a\n"', b'{"env": "' + b'\\"' * 400_000):
        told = await api.raw("POST", "/tcb/databaseadd?access_token=t", data=broken)
        assert told["errcode"] == 47001


async def test_numbers_may_be_written_as_text_and_other_kinds_are_refused(api: Api):
    query = "db.collection('geo').get()"
    job = await api.ok("databasemigrateexport", file_path="a.json", file_type="1", query=query)
    done = await api.ok("databasemigratequeryinfo", job_id=str(job["job_id"]))
    assert (done["status"], done["error_msg"]) == ("success", "导出完成.")
    for name, body in (
        ("databasemigratequeryinfo", {"job_id": -1}),
        ("databasemigratequeryinfo", {"job_id": "1e3"}),
        ("databasecollectionget", {"limit": [1]}),
        ("databasequery", {"query": {"a": 1}}),
        ("batchdeletefile", {"fileid_list": "cloud://a"}),
    ):
        assert (await api.call(name, **body))["errcode"] == 40097, name


async def test_credentials_of_the_cloud_are_given_without_an_environment(api: Api):
    told = await api.raw("POST", "/tcb/getqcloudtoken?access_token=t", data=b'{"lifespan": 7200}')
    assert sorted(told) == [
        *("errcode", "errmsg", "expired_time", "secretid", "secretkey", "token"),
    ]
    lasts_s = told["expired_time"] - api.running.clock.now_ms() // 1000
    assert 7100 < lasts_s <= 7200


async def test_collections_tell_how_large_they_are(api: Api):
    await api.ok("databaseadd", query="db.collection('geo').add({data: {_id: 'a', n: 1}})")
    (listed,) = (await api.ok("databasecollectionget"))["collections"]
    assert sorted(listed) == ["count", "index_count", "index_size", "name", "size"]
    assert listed["size"] == 23


async def test_a_token_lasts_two_hours_of_the_suites_clock(api: Api):
    wanted = "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=s"
    told = await api.raw("GET", wanted)
    assert told["expires_in"] == 7200
    path = f"/tcb/databasecollectionget?access_token={told['access_token']}"
    body = b'{"env":"demo-env"}'
    assert (await api.raw("POST", path, data=body))["errcode"] == 0
    api.running.clock.advance(7200)
    assert (await api.raw("POST", path, data=body))["errcode"] == 42001


async def test_the_stable_token_takes_its_parameters_in_the_body(api: Api):
    asked = {"grant_type": "client_credential", "appid": "wx1", "secret": "s"}
    told = await api.raw("POST", "/cgi-bin/stable_token", json=asked)
    assert told["access_token"]


async def test_a_function_is_called_without_a_user(api: Api):
    path = "/tcb/invokecloudfunction?access_token=t&env=demo-env&name=echo"
    told = await api.raw("POST", path, data=b'{"a": 1}')
    assert told["errcode"] == 0, told
    assert json.loads(told["resp_data"]) == {"event": {"a": 1}, "openid": "", "source": "wx_http"}
    failed = await api.raw("POST", path.replace("echo", "fails"), data=b"")
    assert failed["errcode"] == -504002
    assert "ValueError: why" in failed["errmsg"]
    unknown = await api.raw("POST", path.replace("echo", "nobody"), data=b"")
    assert unknown["errcode"] == -501000
    assert "FunctionName parameter could not be found" in unknown["errmsg"]


async def put(api: Api, path: str, content: bytes) -> str:
    ticket = await api.ok("uploadfile", path=path)
    form = aiohttp.FormData()
    form.add_field("key", path)
    form.add_field("Signature", ticket["authorization"])
    form.add_field("x-cos-security-token", ticket["token"])
    form.add_field("x-cos-meta-fileid", ticket["cos_file_id"])
    form.add_field("file", content, filename="f")
    async with api.session.post(ticket["url"], data=form) as answer:
        assert answer.status == 204
    return ticket["file_id"]


async def test_a_file_goes_up_comes_down_and_is_deleted(api: Api):
    file_id = await put(api, "a/b.txt", b"content")
    listed = await api.ok(
        "batchdownloadfile", file_list=[{"fileid": file_id, "max_age": 60}, {"fileid": "no"}]
    )
    there, missing = listed["file_list"]
    assert (there["status"], there["errmsg"]) == (0, "ok")
    async with api.session.get(there["download_url"]) as answer:
        assert await answer.read() == b"content"
    assert missing["status"] == -503003
    deleted = await api.ok("batchdeletefile", fileid_list=[file_id])
    assert deleted["delete_list"] == [{"fileid": file_id, "status": 0, "errmsg": "ok"}]


@pytest.mark.parametrize(
    ("file_type", "content"),
    [
        (1, b'{"_id":"a","n":1,"at":{"$date":"2020-01-01T00:00:00Z"}}\n{"_id":"b","n":2}'),
        (2, b'_id,n,at\na,1,"{""$date"":""2020-01-01T00:00:00Z""}"\nb,2,\n'),
    ],
)
async def test_a_file_is_imported_and_exported(api: Api, file_type: int, content: bytes):
    await put(api, "in", content)
    order = {"collection_name": "geo", "file_path": "in", "file_type": file_type}
    job = await api.ok("databasemigrateimport", **order, stop_on_error=True, conflict_mode=1)
    told = await api.ok("databasemigratequeryinfo", **job)
    assert (told["status"], told["record_success"], told["record_fail"]) == ("success", 2, 0)
    assert await api.running.documents("geo") == [
        {"_id": "a", "n": 1, "at": {"$date": {"$numberLong": "1577836800000"}}},
        {"_id": "b", "n": 2},
    ]
    again = await api.ok("databasemigrateimport", **order, conflict_mode=1)
    told = await api.ok("databasemigratequeryinfo", **again)
    assert (told["status"], told["record_success"], told["record_fail"]) == ("fail", 0, 2)
    over = await api.ok("databasemigrateimport", **order, conflict_mode=2)
    assert (await api.ok("databasemigratequeryinfo", **over))["record_success"] == 2
    out = await api.ok(
        "databasemigrateexport",
        file_path="out",
        file_type=file_type,
        query="const Point = db.Geo.Point\ndb.collection('geo').where({n: _.gt(0)}).get()",
    )
    told = await api.ok("databasemigratequeryinfo", **out)
    async with api.session.get(told["file_url"]) as answer:
        lines = (await answer.text()).splitlines()
    assert len(lines) == (2 if file_type == 1 else 3)


async def test_an_import_that_finds_no_file_fails_with_a_reason(api: Api):
    job = await api.ok(
        "databasemigrateimport",
        collection_name="geo",
        file_path="nothing",
        file_type=1,
        conflict_mode=1,
    )
    told = await api.ok("databasemigratequeryinfo", **job)
    assert told["status"] == "fail"
    assert "nothing" in told["error_msg"]


async def test_credentials_of_the_cloud_last_as_asked(api: Api):
    told = await api.ok("getqcloudtoken", lifespan=60)
    assert told["expired_time"] == api.running.clock.now_ms() // 1000 + 60
    assert told["token"]


async def test_a_page_of_another_origin_is_refused(api: Api):
    told = await api.raw(
        "POST",
        "/tcb/databasecollectionget?access_token=t",
        data=b'{"env":"e"}',
        headers={"Origin": "http://evil.example"},
    )
    assert told["errcode"] == -501008


async def eventually(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def test_a_function_is_called_later(api: Api):
    order = {"function_name": "echo", "data": '{"a": 1}', "delay_time": 10}
    await api.ok("adddelayedfunctiontask", **order)
    await api.ok("adddelayedfunctiontask", **{**order, "function_name": "nobody"})
    recorder = api.running.suite.parts.recorder
    api.running.clock.advance(9)
    await api.running.idle()
    assert recorder.requests() == []
    api.running.clock.advance(1)
    await eventually(lambda: recorder.requests())
    assert [(each.function, each.source) for each in recorder.requests()] == [("echo", "wx_http")]
    await eventually(lambda: recorder.logs(function="nobody"))


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"delay_time": 5}, -501007),
        ({"delay_time": 30 * 86_400 + 1}, -501007),
        ({"delay_time": None}, 40101),
        ({"function_name": ""}, 40101),
        ({"data": "{"}, 47001),
    ],
)
async def test_an_order_out_of_its_range_is_refused(api: Api, change: dict[str, Any], number: int):
    order = {"function_name": "echo", "data": "{}", "delay_time": 10, **change}
    assert (await api.call("adddelayedfunctiontask", **order))["errcode"] == number


async def test_open_apis_answer_at_their_own_addresses(api: Api):
    message = {"touser": "o", "template_id": "t", "data": {"thing1": {"value": "x"}}}
    path = "/cgi-bin/message/subscribe/send"
    sent = await api.raw("POST", f"{path}?access_token=t", json=message)
    assert (sent["errcode"], sent["errmsg"]) == (0, "ok")
    assert (await api.raw("POST", path, json=message))["errcode"] == 41001
    wrong = await api.raw("POST", f"{path}?access_token=t", json=[1])
    assert wrong["errcode"] == 47001
    (kept,) = api.running.suite.control.messages()
    assert kept["api"] == "openapi.subscribeMessage.send"


async def test_a_picture_comes_as_bytes_and_goes_as_a_form(api: Api):
    url = f"{api.running.url}/wxa/getwxacodeunlimit?access_token=t"
    async with api.session.post(url, json={"scene": "a=1"}) as answer:
        assert answer.headers["Content-Type"] == "image/png"
        picture = await answer.read()
    form = aiohttp.FormData()
    form.add_field("media", picture, filename="a.png", content_type="image/png")
    checked = await api.raw("POST", "/wxa/img_sec_check?access_token=t", data=form)
    assert checked["errcode"] == 0


SESSION = "/sns/jscode2session?appid=a&secret=s&js_code=c&grant_type=authorization_code"


async def test_a_code_is_a_session_without_a_token(api: Api):
    user = api.running.suite.parts.identity.auth.wechat.add("Ada", openid="oAda")
    told = await api.raw("GET", SESSION)
    assert set(told) == {"openid", "session_key", "unionid"}
    assert (told["openid"], told["unionid"]) == ("oAda", user.unionid)
    assert (await api.raw("GET", SESSION))["errcode"] == 40163
    assert "openid" in await api.raw("POST", SESSION.replace("=c&", "=d&"))


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ("", 41002),
        ("appid=a&js_code=c&grant_type=authorization_code", 41004),
        ("appid=a&secret=s&js_code=&grant_type=authorization_code", 41008),
        ("appid=a&secret=s&code=c&grant_type=authorization_code", 41008),
        ("appid=a&secret=s&js_code=c&grant_type=client_credential", 40002),
        ("appid=a&secret=s&js_code=a+b&grant_type=authorization_code", 40029),
    ],
)
async def test_what_a_code_comes_with_is_looked_for_in_order(api: Api, query: str, errcode: int):
    assert (await api.raw("GET", f"/sns/jscode2session?{query}"))["errcode"] == errcode


@pytest.mark.parametrize(
    ("method", "path", "errcode"),
    [
        ("GET", "/cgi-bin/nothing/here", 40066),
        ("POST", "/wxa/no_such_api?access_token=t", 40066),
        ("GET", "/tcb/a/b", 40066),
        ("PUT", "/wxaapi/newtmpl/nothing", 40066),
        ("GET", "/cgi-bin/user/info?access_token=t&openid=o", 48001),
        ("POST", "/cgi-bin/menu/create?access_token=t", 48001),
        ("GET", "/wxa/msg_sec_check?access_token=t", 43002),
        ("PUT", "/wxa/getwxacode?access_token=t", 43002),
        ("GET", "/wxa/getwxacode", 41001),
        ("POST", "/wxaapi/newtmpl/gettemplate?access_token=t", 43001),
        ("GET", "/wxaapi/newtmpl/gettemplate?access_token=t", 0),
    ],
)
async def test_an_unknown_path_or_method_is_told_by_number(
    api: Api, method: str, path: str, errcode: int
):
    assert (await api.raw(method, path))["errcode"] == errcode


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/wxa/getopendata", {"cloudid_list": ["c"]}, "data_list"),
        ("/wxa/getvoipsign", {"group_id": "g", "nonce": "n", "timestamp": 1}, "signature"),
        ("/wxa/getuserriskrank", {"openid": "o", "scene": 1}, "risk_rank"),
        ("/wxa/genwxashortlink", {"page_url": "pages/x"}, "link"),
        ("/tcb/sendsms", {"env": "e", "phone_number_list": ["+861"]}, "send_status_list"),
        ("/tcb/cloudbasereport", {"report_action": "a"}, "errmsg"),
        (
            "/tcb/describesmsrecords",
            {"PostData": {"StartDate": "2021-01-01", "EndDate": "2021-01-02"}},
            "SmsRecords",
        ),
        ("/cgi-bin/message/wxopen/updatablemsg/send", {"activity_id": "a"}, "errmsg"),
    ],
)
async def test_more_open_apis_have_addresses(api: Api, path: str, body: dict[str, Any], field: str):
    told = await api.raw("POST", f"{path}?openid=o&access_token=t", json=body)
    assert told["errcode"] == 0
    assert field in told


async def test_a_call_at_an_address_has_a_request_of_its_own(api: Api):
    body = {"openid": "o", "scene": 1, "version": 2, "content": "hello"}
    traces = [
        (await api.raw("POST", "/wxa/msg_sec_check?access_token=t", json=body))["trace_id"]
        for _ in range(2)
    ]
    assert traces[0] != traces[1] != ""
    told = await api.raw("POST", "/wxa/getwxacode?access_token=t", json={"path": ""})
    assert " rid: " in told["errmsg"]
    told = await api.raw("POST", "/cv/ocr/idcard?type=photo&access_token=t", json={})
    assert (told["errcode"], "openapi.mocks" in told["errmsg"]) == (40066, True)


async def test_a_container_has_a_token_of_another_name(api: Api):
    data = {"env": "e"}
    path = "/tcb/databasecollectionget"
    told = await api.raw("POST", f"{path}?cloudbase_access_token=t", json=data)
    assert told["errcode"] == 0
    assert (await api.raw("POST", f"{path}?cloudbase_access_token=", json=data))["errcode"] == 41001


async def test_a_strict_project_takes_no_token_but_its_own(start_project):
    files = {**FILES, ".emulator.toml": "[emulator]\nstrict = true\n"}
    async with start_project(files) as running, aiohttp.ClientSession() as session:
        api = Api(running, session)
        wanted = "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=s"
        own = (await api.raw("GET", wanted))["access_token"]
        path, body = "/tcb/databasecollectionget", {"env": "demo-env"}
        for token, errcode in ((own, 0), ("any", 40001), ("emu.never.x", 40001)):
            told = await api.raw("POST", f"{path}?access_token={token}", json=body)
            assert told["errcode"] == errcode
