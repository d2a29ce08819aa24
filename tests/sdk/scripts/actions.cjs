// Drives every call of the server SDKs: node actions.cjs FOLDER_OF_THE_SDK KIND PREFIX RESULT_FILE
// KIND is wx (wx-server-sdk), node (@cloudbase/node-sdk) or tcb (tcb-admin-node). Calls that an SDK
// lacks answer "absent". Answers are brought to one form, so that one table holds for all SDKs.
'use strict';

const crypto = require('crypto');

console.__baseLog__ = () => {}; // the platform has it, and older SDKs call it without asking

const [folder, kind, prefix, file] = process.argv.slice(2);
const library = require(folder);
const { record } = require('./record.cjs');
const wx = kind === 'wx';
const env = process.env.TCB_ENV;
const serviceUrl = `${process.env.CLOUD_EMU_URL}/admin`;
const options = { env, serviceUrl };
const app = wx ? library : library.init(options);
if (wx) library.init(options);
const db = app.database();
const _ = db.command;
const data = (value) => (wx ? { data: value } : value);
const one = (answer) => (Array.isArray(answer.data) ? answer.data[0] : answer.data);
const count = (answer, name) => (answer.stats ? answer.stats[name] : answer[name]);
const removed = (answer) => (answer.stats ? answer.stats.removed : answer.deleted);
const all = db.collection(`${prefix}all`);
const other = db.collection(`${prefix}other`);

// What resolves with a code instead of throwing (tcb-admin-node does) counts as thrown.
async function settled(promise) {
  const answer = await promise;
  if (answer && answer.code && answer.code !== 'SUCCESS') throw answer;
  return answer;
}

const has = (owner, name) => Boolean(owner) && typeof owner[name] === 'function';
const ABSENT = 'absent';

async function fresh(documents) {
  await settled(other.where({ _id: _.exists(true) }).remove());
  for (const each of documents) await settled(other.add(data(each)));
}

const database = [
  ['createCollection', async () => {
    await settled(db.createCollection(`${prefix}all`));
    await settled(db.createCollection(`${prefix}other`));
    return [(await settled(all.count())).total, (await settled(other.count())).total];
  }],
  ['add', async () => {
    const added = await settled(all.add(data({ _id: 'a', n: 1, tags: ['x'] })));
    await settled(all.add(data({ _id: 'b', n: 2 })));
    await settled(all.add(data({ _id: 'c', n: 3 })));
    return added._id || added.id;
  }],
  ['add several', async () => {
    await fresh([]);
    await settled(other.add(data([{ n: 1 }, { n: 2 }])));
    return (await settled(other.count())).total;
  }],
  ['doc.get', async () => one(await settled(all.doc('a').get()))],
  ['where.get', async () => {
    const found = await settled(all.where({ n: _.gt(0).and(_.lt(3)) }).orderBy('n', 'desc').limit(5).get());
    return found.data.map((each) => each.n);
  }],
  ['where.get with skip and field', async () => {
    const found = await settled(all.orderBy('n', 'asc').skip(1).limit(1).field({ n: true, _id: false }).get());
    return found.data;
  }],
  ['command.or, in, exists', async () => {
    const found = await settled(all.where(_.or([{ n: _.in([1]) }, { none: _.exists(true) }])).get());
    return found.data.map((each) => each._id);
  }],
  ['count', async () => (await settled(all.where({ n: _.gte(1) }).count())).total],
  ['RegExp', async () => (await settled(all.where({ _id: db.RegExp({ regexp: '^A$', options: 'i' }) }).get())).data.length],
  ['Date', async () => {
    await fresh([{ _id: 'd', at: new Date(86400000) }]);
    return one(await settled(other.doc('d').get())).at;
  }],
  ['serverDate', async () => {
    await fresh([{ _id: 'd', now: db.serverDate(), later: db.serverDate({ offset: 3600000 }) }]);
    const { now, later } = one(await settled(other.doc('d').get()));
    return [Math.abs(now - Date.now()) < 60000, Math.round((later - now) / 1000)];
  }],
  ['Geo', async () => {
    await fresh([{ _id: 'd', at: new db.Geo.Point(113.5, 23) }]);
    const { at } = one(await settled(other.doc('d').get()));
    return [at.longitude, at.latitude];
  }],
  ['doc.update', async () => {
    await fresh([{ _id: 'd', n: 1, o: { a: 1 }, l: [1] }]);
    const change = { n: _.inc(2), o: { b: 2 }, l: _.push([2, 3]), gone: _.remove() };
    const updated = count(await settled(other.doc('d').update(data(change))), 'updated');
    return [updated, one(await settled(other.doc('d').get()))];
  }],
  ['where.update', async () => {
    await fresh([{ _id: 'd', n: 1 }, { _id: 'e', n: 1 }]);
    const updated = count(await settled(other.where({ n: 1 }).update(data({ n: _.mul(3) }))), 'updated');
    return [updated, (await settled(other.orderBy('_id', 'asc').get())).data.map((each) => each.n)];
  }],
  ['doc.set', async () => {
    await fresh([{ _id: 'd', n: 1 }]);
    await settled(other.doc('d').set(data({ m: 2 })));
    await settled(other.doc('new').set(data({ m: 3 })));
    return (await settled(other.orderBy('_id', 'asc').get())).data;
  }],
  ['updateAndReturn', async () => {
    const place = other.where({ _id: 'd' });
    if (!has(place, 'updateAndReturn')) return ABSENT;
    await fresh([{ _id: 'd', n: 1 }]);
    return (await settled(place.updateAndReturn(data({ n: _.inc(1) })))).doc;
  }],
  ['doc.remove', async () => {
    await fresh([{ _id: 'd' }, { _id: 'e' }]);
    const answer = await settled(other.doc('d').remove());
    return [removed(answer), (await settled(other.get())).data];
  }],
  ['where.remove', async () => {
    await fresh([{ _id: 'd', n: 1 }, { _id: 'e', n: 1 }, { _id: 'f', n: 2 }]);
    const answer = await settled(other.where({ n: 1 }).remove());
    return [removed(answer), (await settled(other.get())).data];
  }],
  ['aggregate', async () => {
    const $ = _.aggregate;
    const answer = await settled(all.aggregate().match({ n: _.gt(1) }).group({ _id: null, sum: $.sum('$n') }).end());
    return answer.list || answer.data;
  }],
  ['runTransaction', async () => {
    if (!has(db, 'runTransaction')) return ABSENT;
    await fresh([{ _id: 'd', n: 1 }]);
    await db.runTransaction(async (transaction) => {
      const place = transaction.collection(`${prefix}other`).doc('d');
      const found = await place.get();
      await place.update(data({ n: (found.data.n || one(found).n) + 1 }));
    });
    return one(await settled(other.doc('d').get())).n;
  }],
  ['startTransaction and rollback', async () => {
    if (!has(db, 'startTransaction')) return ABSENT;
    await fresh([{ _id: 'd', n: 1 }]);
    const transaction = await db.startTransaction();
    await transaction.collection(`${prefix}other`).doc('d').update(data({ n: 5 }));
    await transaction.rollback();
    return one(await settled(other.doc('d').get())).n;
  }],
  ['a collection that does not exist', () => settled(db.collection('no_such').get())],
  ['a document twice', () => settled(all.add(data({ _id: 'a' })))],
  ['an unknown operator', () => settled(all.where({ n: { $nonsense: 1 } }).get())],
];

const call = (name, value) => settled(app.callFunction({ name, data: value }));
const functions = [
  ['callFunction', async () => (await call('sdk_echo', { a: [1, '中'] })).result],
  ['callFunction of an unknown function', () => call('sdk_no_such', {})],
  ['callFunction of one that raises', () => call('sdk_raises', { why: 'because' })],
];

const content = Buffer.from('some content');
const path = `${prefix}folder/文 件.txt`;
let fileID = '';
const storage = [
  ['uploadFile', async () => {
    fileID = (await settled(app.uploadFile({ cloudPath: path, fileContent: content }))).fileID;
    return fileID.endsWith(path);
  }],
  ['getTempFileURL', async () => {
    const [told] = (await settled(app.getTempFileURL({ fileList: [fileID] }))).fileList;
    return (await fetch(told.tempFileURL)).text();
  }],
  ['downloadFile', async () => (await settled(app.downloadFile({ fileID }))).fileContent.toString()],
  ['getUploadMetadata', async () => {
    if (!has(app, 'getUploadMetadata')) return ABSENT;
    const told = (await settled(app.getUploadMetadata({ cloudPath: path }))).data;
    const whole = ['authorization', 'cosFileId', 'fileId', 'token', 'url'].every((name) => told[name]);
    return [whole, told.fileId === fileID, new URL(told.url).hostname];
  }],
  ['copyFile', async () => {
    if (!has(app, 'copyFile')) return ABSENT;
    const list = [{ srcPath: path, dstPath: `${prefix}copy/文 件.txt`, overwrite: true }];
    const codes = (await settled(app.copyFile({ fileList: list }))).fileList.map((each) => each.code);
    const copied = await settled(app.downloadFile({ fileID: fileID.replace('folder/', 'copy/') }));
    return [codes, copied.fileContent.toString()];
  }],
  ['getFileInfo', async () => {
    if (!has(app, 'getFileInfo')) return ABSENT;
    return (await settled(app.getFileInfo({ fileList: [fileID] }))).fileList.map((each) => Number(each.size));
  }],
  ['getFileAuthority', async () => {
    if (!has(app, 'getFileAuthority')) return ABSENT;
    process.env.TCB_UUID = 'somebody';
    try {
      const told = await settled(app.getFileAuthority({ fileList: [{ path, type: 'READ' }] }));
      return told.data.map((each) => each.read);
    } finally {
      delete process.env.TCB_UUID;
    }
  }],
  ['deleteFile', async () => {
    const [told] = (await settled(app.deleteFile({ fileList: [fileID] }))).fileList;
    return told.code === 'SUCCESS' || told.status === 0;
  }],
  ['downloadFile of a missing file', () => settled(app.downloadFile({ fileID }))],
];

const platform = [
  ['wxCallContainerApi', () => (has(app, 'wxCallContainerApi')
    ? app.wxCallContainerApi({ apiName: 'call', requestData: content }).then((told) => settled(JSON.parse(told)))
    : ABSENT)],
  ['callContainer', async () => {
    if (!has(app, 'callContainer')) return ABSENT;
    // The gateway's host is written into the SDK: the suite's hook leads it here.
    require(process.env.REDIRECT_HOOK);
    const told = await settled(library.init({ env }).callContainer({
      name: 'shop', method: 'POST', path: '/buy?n=1', data: { a: '中' },
    }));
    return [told.statusCode, told.data];
  }],
  ['sendTemplateNotification', async () => {
    if (!has(app, 'sendTemplateNotification')) return ABSENT;
    const { result } = await settled(app.sendTemplateNotification({ notifyId: 'n', data: { a: 1 }, url: '' }));
    return [result.code, await kept('sendTemplateNotification')];
  }],
  ['models.$runSQL', () => (app.models && has(app.models, '$runSQL')
    ? settled(app.models.$runSQL('SELECT 1', {}))
    : ABSENT)],

];

// What the suite kept of the newest call of an API.
async function kept(api) {
  const told = await (await fetch(`${process.env.CLOUD_EMU_URL}/_emu/outbox`)).json();
  return (told.messages || told).filter((each) => each.api === api).pop().data;
}

// What a call prints, on whichever way an SDK takes.
async function heard(run) {
  const before = { ...console };
  const said = [];
  for (const name of ['log', 'info', 'warn', '__baseLog__']) {
    console[name] = (...values) => said.push(...values.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))));
  }
  try {
    await run();
    await new Promise((done) => setTimeout(done, 0));
  } finally {
    Object.assign(console, before);
  }
  return said.join('\n');
}

const users = [
  ['auth().getEndUserInfo', async () => {
    if (wx || !has(app, 'auth')) return ABSENT;
    const auth = app.auth();
    if (!has(auth, 'getEndUserInfo')) return ABSENT;
    return (await settled(auth.getEndUserInfo('user1'))).userInfo.uid;
  }],
  ['auth().queryUserInfo', async () => {
    if (wx || !has(app, 'auth') || !has(app.auth(), 'queryUserInfo')) return ABSENT;
    return (await settled(app.auth().queryUserInfo({ platform: 'PHONE', platformId: '1' }))).userInfo.uid;
  }],
  ['auth().createTicket', async () => {
    if (wx || !has(app, 'auth')) return ABSENT;
    const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 1024 });
    const credentials = {
      private_key_id: 'key',
      private_key: privateKey.export({ type: 'pkcs1', format: 'pem' }),
      env_id: env,
    };
    return library.init({ ...options, credentials }).auth().createTicket('user1').split('/@@/')[0];
  }],
  ['analytics', async () => {
    if (!has(app, 'analytics')) return ABSENT;
    await settled(app.analytics({ report_type: 'mall', report_data: { action_type: 'visit' } }));
    return 'done';
  }],
  ['logger', async () => {
    if (!has(app, 'logger')) return ABSENT;
    const said = await heard(() => app.logger().log({ some: 'thing' }));
    return /some\W+thing/.test(said);
  }],
];

const message = {
  touser: 'oUser',
  templateId: 't1',
  page: 'pages/index',
  data: { thing1: { value: '一件事' }, amount2: { value: '¥10.5元' } },
  miniprogramState: 'developer',
};
const openapi = (run) => (wx ? run(library.openapi) : ABSENT);
const png = (answer) => [answer.contentType, answer.buffer.subarray(1, 4).toString()];
const open = [
  ['openapi.subscribeMessage.send', () => openapi(async (api) => {
    const { errMsg } = await api.subscribeMessage.send(message);
    const { touser, data: sent } = await kept('openapi.subscribeMessage.send');
    return [errMsg, touser, sent.thing1.value];
  })],
  ['openapi.subscribeMessage.send of too long a thing', () => openapi((api) =>
    api.subscribeMessage.send({ ...message, data: { thing1: { value: 'x'.repeat(21) } } }))],
  ['openapi.customerServiceMessage.send', () => openapi(async (api) => {
    const sent = { touser: 'o', msgtype: 'text', text: { content: `hi ${prefix}` } };
    const { errMsg } = await api.customerServiceMessage.send(sent);
    return [errMsg, (await kept('openapi.customerServiceMessage.send')).text.content === sent.text.content];
  })],
  ['openapi.wxacode.get', () => openapi(async (api) => png(await api.wxacode.get({ path: 'pages/index?a=1' })))],
  ['openapi.wxacode.getUnlimited', () => openapi(async (api) => png(await api.wxacode.getUnlimited({ scene: 'a=1' })))],
  ['openapi.security.msgSecCheck', () => openapi(async (api) => (await api.security.msgSecCheck({ content: 'fine' })).errCode)],
  ['openapi.security.msgSecCheck of risky text', () => openapi((api) => api.security.msgSecCheck({ content: 'this is forbidden' }))],
  ['openapi.security.imgSecCheck', () => openapi(async (api) =>
    (await api.security.imgSecCheck({ media: { contentType: 'image/png', value: content } })).errCode)],
  ['openapi.phonenumber.getPhoneNumber', () => openapi(async (api) =>
    (await api.phonenumber.getPhoneNumber({ code: 'c' })).phoneInfo.phoneNumber)],
  ['openapi.cloudbase.addPermission', () => openapi(async (api) => (await api.cloudbase.addPermission({ env })).errCode)],
  ['openapi.cloudbase.addDelayedFunctionTask', () => openapi(async (api) => (await api.cloudbase.addDelayedFunctionTask({
    env, functionName: 'sdk_echo', delayTime: 3600, data: JSON.stringify({ a: 1 }),
  })).errCode)],
  ['openapi.cloudbase.addDelayedFunctionTask too soon', () => openapi((api) =>
    api.cloudbase.addDelayedFunctionTask({ env, functionName: 'sdk_echo', delayTime: 1, data: '{}' }))],
  ['openapi.cloudbase.sendSms', () => openapi(async (api) => (await api.cloudbase.sendSms({
    env, content: 'a code', phoneNumberList: ['+8613800138000'],
  })).sendStatusList.map((each) => [each.phoneNumber, each.code]))],
  ['openapi.cloudbase.getOpenData', () => openapi(async (api) => {
    const { dataList } = await api.cloudbase.getOpenData({ openid: 'o', cloudidList: ['cloudid-1'] });
    return dataList.map((each) => [each.cloudId, JSON.parse(each.json).data.phoneNumber]);
  })],
  ['openapi with a mock', () => openapi(async (api) => (await api.ocr.printedText({ type: 'photo' })).items)],
  ['openapi that does not exist', () => openapi((api) => api.no.such({}))],
  ['getOpenData', async () => (wx && has(library, 'getOpenData')
    ? (await library.getOpenData({ list: ['cloudid-1'] })).list.map((each) => [each.cloudID, each.data.phoneNumber])
    : ABSENT)],
  ['getVoIPSign', async () => (wx && has(library, 'getVoIPSign')
    ? typeof (await library.getVoIPSign({ groupId: 'g', nonce: 'n', timestamp: 1 })).signature
    : ABSENT)],
  ['callOpenAPI', async () => {
    const api = 'security.msgSecCheck';
    if (wx) {
      if (!has(library, 'callOpenAPI')) return ABSENT;
      return (await library.callOpenAPI({ api, data: { content: 'fine' } })).result.errcode;
    }
    if (!has(app, 'callWxOpenApi')) return ABSENT;
    return (await settled(app.callWxOpenApi({ apiName: api, requestData: { content: 'fine' } }))).result.errcode;
  }],
];

const order = (number) => ({
  body: 'goods',
  outTradeNo: `${prefix}${number}`,
  spbillCreateIp: '127.0.0.1',
  subMchId: '1',
  totalFee: 100,
  envId: env,
  functionName: 'sdk_paid',
});
const pay = (run) => (wx && library.cloudPay ? run(library.cloudPay) : ABSENT);
const payment = [
  ['cloudPay.unifiedOrder', () => pay(async (api) => {
    const answer = await api.unifiedOrder(order(1));
    return [answer.returnCode, answer.resultCode, Object.keys(answer.payment).sort()];
  })],
  ['cloudPay.queryOrder', () => pay(async (api) => {
    let state = '';
    for (let look = 0; look < 200 && state !== 'SUCCESS'; look += 1) {
      state = (await api.queryOrder({ subMchId: '1', outTradeNo: `${prefix}1` })).tradeState;
      await new Promise((done) => setTimeout(done, 50));
    }
    return state;
  })],
  ['cloudPay.refund', () => pay(async (api) => {
    const answer = await api.refund({
      subMchId: '1', outTradeNo: `${prefix}1`, outRefundNo: `${prefix}r`, totalFee: 100, refundFee: 40, nonceStr: 'n',
    });
    return [answer.resultCode, answer.refundFee];
  })],
  ['cloudPay.queryRefund', () => pay(async (api) => (await api.queryRefund({ outTradeNo: `${prefix}1` })).refundCount)],
  ['cloudPay.closeOrder of a paid one', () => pay(async (api) => (await api.closeOrder({ outTradeNo: `${prefix}1` })).errCode)],
  ['cloudPay tells the function', () => pay(async () => {
    let found = { data: [] };
    for (let look = 0; look < 200 && found.data.length === 0; look += 1) {
      found = await db.collection('sdk_payments').where({ outTradeNo: `${prefix}1` }).get();
      await new Promise((done) => setTimeout(done, 50));
    }
    return found.data.map((each) => [each.resultCode, each.total_fee]);
  })],
];

process.on('unhandledRejection', () => {});
record([...database, ...functions, ...storage, ...users, ...platform, ...open, ...payment], file).then(() => process.exit(0));
