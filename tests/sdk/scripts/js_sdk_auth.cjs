// Every way to sign in with js-sdk: js_sdk_auth.cjs MODULE MAJOR RESULT, CLOUD_EMU_URL and NODE_SDK set.
'use strict';

const { adapter } = require('./web_adapter.cjs');
const { record } = require('./record.cjs');

const [modulePath, major, result] = process.argv.slice(2);
const url = process.env.CLOUD_EMU_URL;
const env = process.env.TCB_ENV;
const loaded = require(modulePath);
const cloudbase = loaded.default || loaded;
cloudbase.useAdapters(adapter(null));

const app = cloudbase.init({ env });
if (major === '1') app.registerEndPoint(`${url}/web`);
else {
  for (const [key, path] of [['CLOUD_API', '/web'], ['GATEWAY', '/v1']]) {
    app.registerEndPointWithKey({ key, url: url.replace('http:', '') + path, protocol: 'http:' });
  }
}
const auth = app.auth({ persistence: 'local' });

const control = async (path, body) => {
  const method = body ? 'POST' : 'GET';
  return (await fetch(`${url}/_emu${path}`, { method, body: body && JSON.stringify(body) })).json();
};
const code = async (to) => (await control(`/inbox?to=${encodeURIComponent(to)}`)).at(-1).code;

async function ticket() {
  const credentials = await control('/login-key');
  const server = require(process.env.NODE_SDK).init({ env, credentials });
  return server.auth().createTicket(`backend-${major}`);
}

// Newer versions answer with the error beside the data, or throw what is no Error.
const thrown = (told) => {
  if (told && told.error) throw new Error(told.error.code || told.error.error);
  return told;
};

// What is known of whoever is signed in, as the server says it.
async function me() {
  const told = major === '1' ? await auth.getUserInfo() : (await auth.getUserInfo());
  return { uid: told.uid || told.sub, email: told.email || '', username: told.username || '', type: told.loginType || '' };
}

const name = `ada${major}`;
const email = `ada${major}@b.c`;
const phone = `1380000000${major}`;
const state = {};

const first = [
  ['signInAnonymously', async () => {
    if (major === '1') await auth.anonymousAuthProvider().signIn();
    else await auth.signInAnonymously();
    state.anonymous = (await me()).uid;
    return { known: Boolean(state.anonymous), anonymous: (await auth.getLoginState()).isAnonymousAuth ?? true };
  }],
  ['signInAnonymously again', async () => {
    if (major === '1') await auth.anonymousAuthProvider().signIn();
    else await auth.signInAnonymously();
    return (await me()).uid === state.anonymous;
  }],
  ['signInWithTicket', async () => {
    if (major === '1') await auth.customAuthProvider().signIn(await ticket());
    else {
      await auth.setCustomSignFunc(ticket);
      await auth.signInWithCustomTicket();
    }
    state.custom = (await me()).uid;
    return state.custom !== state.anonymous;
  }],
  ['a bad ticket', async () => {
    if (major === '1') return auth.customAuthProvider().signIn('a/@@/b.c.d');
    await auth.setCustomSignFunc(async () => 'a/@@/b.c.d');
    return thrown(await auth.signInWithCustomTicket());
  }],
];

const older = [
  ['sign up by mail', async () => {
    await auth.signUpWithEmailAndPassword(email, 'Pw123456');
    await auth.signInWithEmailAndPassword(email, 'Pw123456');
    return { ...(await me()), uid: '' };
  }],
  ['updateUsername', async () => {
    await auth.currentUser.updateUsername(name);
    return auth.isUsernameRegistered(name);
  }],
  ['signOut', async () => { await auth.signOut(); return (await auth.getLoginState()) === null; }],
  ['a wrong password', () => auth.signInWithUsernameAndPassword(name, 'nope')],
  ['by name', async () => {
    await auth.signInWithUsernameAndPassword(name, 'Pw123456');
    return { ...(await me()), uid: '' };
  }],
  ['by phone code', async () => {
    await auth.sendPhoneCode(phone);
    await auth.signInWithPhoneCodeOrPassword({ phoneNumber: phone, phoneCode: await code(`+86${phone}`) });
    return (await me()).type;
  }],
];

const newer = [
  ['sign up by mail', async () => {
    const sent = await auth.getVerification({ email });
    const verification_code = await code(email);
    const { verification_token } = await auth.verify({ ...sent, verification_code });
    await auth.signUp({ email, verification_code, verification_token, password: 'Pw123456', username: name });
    return { ...(await me()), uid: '' };
  }],
  ['updateUsername', () => auth.isUsernameRegistered(name)],
  ['signOut', async () => { await auth.signOut(); return (await auth.getLoginState()) === null; }],
  ['a wrong password', () => auth.signIn({ username: name, password: 'nope' }).then(thrown, (error) => thrown({ error }))],
  ['by name', async () => {
    await auth.signIn({ username: name, password: 'Pw123456' });
    return { ...(await me()), uid: '' };
  }],
  ['by phone code', async () => {
    const verificationInfo = await auth.getVerification({ phone_number: `+86 ${phone}` });
    await auth.signInWithSms({ verificationInfo, verificationCode: await code(`+86${phone}`), phoneNum: phone });
    return 'PHONE';
  }],
  ['a token is refreshed', async () => {
    const before = (await auth.getAccessToken()).accessToken;
    await auth.refreshTokenForce();
    const after = (await auth.getAccessToken()).accessToken;
    return before.split('.').length === 3 && after.split('.').length === 3;
  }],
];

record([...first, ...(major === '1' ? older : newer)], result).then(() => process.exit(0));
