;(function () {
'use strict'
const SERVED_FROM=''
let USUAL_ADDRESS='http://127.0.0.1:8270'
let ANY_ENV=Symbol('DYNAMIC_CURRENT_ENV')
let FILES_MAX=50
let NOT_BEGUN="Cloud API isn't enabled, please call wx.cloud.init first"
let DEPTH_MAX=200
let CODES={SYS_ERR:[-501001,'resource system error'],SERVER_TIMEOUT:[-501002,'resource server timeout'],EXCEED_REQUEST_LIMIT:[-501003,'exceed request limit'],EXCEED_CONCURRENT_REQUEST_LIMIT:[-501004,'exceed concurrent request limit'],INVALIID_ENV:[-501005,'invalid env'],INVALID_COMMON_PARAM:[-501006,'invalid common parameters'],INVALID_PARAM:[-501007,'invalid parameters'],INVALID_REQUEST_SOURCE:[-501008,'invalid request source'],RESOURCE_NOT_INITIAL:[-501009,'resource not initialized'],DATABASE_REQUEST_FAILED:[-502001,'database request fail'],DATABASE_INVALID_OPERRATOR:[-502002,'database invalid command'],DATABASE_PERMISSION_DENIED:[-502003,'database permission denied'],COLLECTION_PERMISSION_DENIED:[-502003,'database permission denied'],DATABASE_COLLECTION_EXCEED_LIMIT:[-502004,'database exceed collection limit'],DATABASE_COLLECTION_NOT_EXIST:[-502005,'database collection not exists'],STORAGE_REQUEST_FAIL:[-503001,'storage request fail'],STORAGE_EXCEED_AUTHORITY:[-503002,'storage permission denied'],STORAGE_FILE_NONEXIST:[-503003,'storage file not exists'],STORAGE_SIGN_PARAM_INVALID:[-503004,'storage invalid sign parameter'],FUNCTIONS_REQUEST_FAIL:[-504001,'functions request fail'],FUNCTIONS_EXECUTE_FAIL:[-504002,'functions execute fail'],FUNCTIONS_TIME_LIMIT_EXCEEDED:[-504003,''],FUNCTION_TIME_LIMIT_EXCEEDED:[-504003,''],FUNCTION_NOT_FOUND:[-501000,''],PERMISSION_DENIED:[-401001,'permission denied']}
class CloudError extends Error{constructor(api,errCode,text,code){super(`${api}:fail ${text}`)
this.name='CloudError'
this.errCode=errCode
this.errMsg=this.message
this.code=code||errCode}}
class Failure extends Error{constructor(errCode,text,code){super(text)
this.errCode=errCode
this.code=code}}
let wrong=(text,errCode=-401003)=>new Failure(errCode,`${errCode} ${text}`)
let network=(text)=>new Failure(-601003,`-601003 ${text}`)
function refusal(answer,inFunction){let [errCode,phrase]=CODES[answer.code]||CODES.SYS_ERR
let text=inFunction?`Error: errCode: ${errCode} ${phrase} | errMsg: ${answer.message} (callId: ${answer.requestId})`:`${errCode} ${phrase}. ${answer.message}`
return new Failure(errCode,text,answer.code)}
let named=(api,error)=>error instanceof CloudError?error:error instanceof Failure?new CloudError(api,error.errCode,error.message,error.code):new CloudError(api,-1,(error&&error.message)||String(error))
class GeoShape{constructor(type,coordinates){this.type=type
this.coordinates=coordinates}
get longitude(){return this.coordinates[0]}
get latitude(){return this.coordinates[1]}
toJSON(){return{type:this.type,coordinates:this.coordinates}}}
let coordinatesOf=(parts)=>parts.map((part)=>(Array.isArray(part)?part:part.coordinates))
let ofParts=(type)=>function shape(parts){if(!Array.isArray(parts))throw wrong(`${type} should be made of an array`)
return new GeoShape(type,coordinatesOf(parts))}
let Geo={Point:function Point(longitude,latitude){let within=Math.abs(longitude)<=180&&Math.abs(latitude)<=90
if(!within)throw wrong(`Point(${longitude}, ${latitude}) is outside of -180..180, -90..90`)
return new GeoShape('Point',[longitude,latitude])},MultiPoint:ofParts('MultiPoint'),LineString:ofParts('LineString'),MultiLineString:ofParts('MultiLineString'),Polygon:ofParts('Polygon'),MultiPolygon:ofParts('MultiPolygon')}
class ServerDate{constructor(options){this.offset=(options&&options.offset)||0}}
class Pattern{constructor(options){if(!options||typeof options.regexp !=='string'){throw wrong('parameter.regexp should be string')}
this.$regex=options.regexp
this.$options=options.options||''}}
class OpenData{constructor(id){this.id=id}
toJSON(){return this.id}}
let isPlain=(value)=>{if(value===null||typeof value !=='object')return false
let kind=Object.prototype.toString.call(value)
let own=value instanceof GeoShape||value instanceof ServerDate||value instanceof Pattern
return kind==='[object Object]'&&!own&&!(value instanceof Command)}
let isOperator=(value)=>Object.keys(value).some((key)=>key[0]==='$')
let isBranch=(value)=>isPlain(value)&&Object.keys(value).length>0&&!isOperator(value)
function encode(value,depth=0){if(depth>DEPTH_MAX)throw wrong('the data is nested too deeply, or holds itself',-402001)
let kind=Object.prototype.toString.call(value)
if(kind==='[object Date]')return{$date:value.getTime()}
if(kind==='[object RegExp]'){return{$regex:value.source,$options:value.flags.replace(/[^imsx]/g,'')}}
if(value instanceof ServerDate)return{$date:{offset:value.offset}}
if(value instanceof Pattern)return{$regex:value.$regex,$options:value.$options}
if(value instanceof GeoShape)return value.toJSON()
if(value instanceof Command)return commandValue(value,depth)
if(typeof value==='number'&&!Number.isFinite(value))return{$numberDouble:String(value)}
if(Array.isArray(value))return value.map((item)=>encode(item,depth+1))
if(value===null||typeof value !=='object')return value
if(typeof value.toJSON==='function')return value.toJSON()
let out={}
for(let key of Object.keys(value)){if(value[key] !==undefined)out[key]=encode(value[key],depth+1)}
return out}
function commandValue(command,depth){if(command.op==='set')return encode(command.args[0],depth+1)
throw wrong(`command.${command.op} has no place here`,-401002)}
let TAGS={$date:(content)=>new Date(typeof content==='object'?Number(content.$numberLong):content),$oid:(content)=>content,$numberInt:Number,$numberLong:Number,$numberDouble:Number,$numberDecimal:Number,$regularExpression:(content)=>new Pattern({regexp:content.pattern,options:content.options})}
let SHAPES=new Set(Object.keys(Geo))
function decode(value){if(Array.isArray(value))return value.map(decode)
if(value===null||typeof value !=='object')return value
let keys=Object.keys(value)
if(keys.length===1&&TAGS[keys[0]])return TAGS[keys[0]](value[keys[0]])
let out={}
for(let key of keys)out[key]=decode(value[key])
let isShape=keys.length===2&&SHAPES.has(out.type)&&Array.isArray(out.coordinates)
return isShape?new GeoShape(out.type,out.coordinates):out}
let COMPARISONS={eq:'$eq',neq:'$ne',gt:'$gt',gte:'$gte',lt:'$lt',lte:'$lte'}
let QUERIES={in:(values)=>({$in:encode(values)}),nin:(values)=>({$nin:encode(values)}),exists:(there)=>({$exists:there}),mod:(divisor,rest)=>({$mod:Array.isArray(divisor)?divisor:[divisor,rest]}),all:(values)=>({$all:encode(values)}),size:(size)=>({$size:size}),elemMatch:(one)=>({$elemMatch:one instanceof Command?condition(one):queryOf(one)}),geoNear:({geometry,maxDistance,minDistance})=>({$nearSphere:encode({$geometry:geometry,$maxDistance:maxDistance,$minDistance:minDistance})}),geoWithin:({geometry,centerSphere})=>({$geoWithin:encode(centerSphere?{$centerSphere:[coordinatesOf([centerSphere[0]])[0],centerSphere[1]]}:{$geometry:geometry})}),geoIntersects:({geometry})=>({$geoIntersects:encode({$geometry:geometry})})}
for(let name of Object.keys(COMPARISONS)){QUERIES[name]=(value)=>({[COMPARISONS[name]]:encode(value)})}
let WHOLE={expr:'$expr',jsonSchema:'$jsonSchema'}
let pushed=(values)=>{if(!isPlain(values[0])||!('each' in values[0])){return{$each:encode(Array.isArray(values[0])?values[0]:values)}}
const{each,position,sort,slice}=values[0]
return encode({$each:each,$position:position,$sort:sort,$slice:slice})}
let UPDATES={set:(values)=>['$set',encode(values[0])],remove:()=>['$unset',''],inc:(values)=>['$inc',encode(values[0])],mul:(values)=>['$mul',encode(values[0])],min:(values)=>['$min',encode(values[0])],max:(values)=>['$max',encode(values[0])],bit:(values)=>['$bit',encode(values[0])],rename:(values)=>['$rename',values[0]],push:(values)=>['$push',pushed(values)],pop:()=>['$pop',1],shift:()=>['$pop',-1],unshift:(values)=>['$push',{...pushed(values),$position:0}],addToSet:([value])=>['$addToSet',isPlain(value)&&value.each?{$each:encode(value.each)}:encode(value)],pull:(values)=>['$pull',pulled(values[0])],pullAll:(values)=>['$pullAll',encode(values[0])]}
let pulled=(value)=>value instanceof Command?condition(value):isBranch(value)?queryOf(value):encode(value)
class Command{constructor(op,args){this.op=op
this.args=args}
and(...others){return new Command('and',[this,...flat(others)])}
or(...others){return new Command('or',[this,...flat(others)])}}
let flat=(args)=>(args.length===1&&Array.isArray(args[0])?args[0]:args)
let LOGIC=new Set(['and','or','nor','not'])
for(let name of Object.keys(QUERIES)){Command.prototype[name]=function chained(...args){return this.and(new Command(name,args))}}
function condition(command){if(command.op==='and')return Object.assign({},...command.args.map(condition))
if(command.op==='not')return{$not:condition(command.args[0])}
let write=QUERIES[command.op]
if(!write)throw wrong(`command.${command.op} has no place in a query`,-401002)
return write(...command.args)}
function logical(command,write){let parts=command.args.map(write)
return command.op==='not'?{$nor:parts}:{[`$${command.op}`]:parts}}
function clauses(field,value){if(value instanceof Command){let inner=value.args[0]
let isNot=value.op==='not'&&!(inner instanceof Command&&LOGIC.has(inner.op))
if(isNot){return [{[field]:{$not:inner instanceof Command?condition(inner):encode(inner)}}]}
if(LOGIC.has(value.op))return [logical(value,(part)=>merged(clauses(field,part)))]
return [{[field]:condition(value)}]}
if(!isBranch(value))return [{[field]:encode(value)}]
return [].concat(...Object.keys(value).map((key)=>clauses(`${field}.${key}`,value[key])))}
function merged(parts){let keys=[].concat(...parts.map(Object.keys))
return new Set(keys).size===keys.length?Object.assign({},...parts):{$and:parts}}
function queryOf(where){if(where instanceof Command){if(WHOLE[where.op])return{[WHOLE[where.op]]:encode(where.args[0])}
if(LOGIC.has(where.op))return logical(where,queryOf)}
if(!isPlain(where))throw wrong('query condition should be object')
let keys=Object.keys(where).filter((key)=>where[key] !==undefined)
let part=(key)=>(key[0]==='$'?[{[key]:encode(where[key])}]:clauses(key,where[key]))
return merged([].concat(...keys.map(part)))}
function operatorsOf(data){let out={}
let put=(operator,path,value)=>{out[operator]={...out[operator],[path]:value}}
let walk=(prefix,object)=>{for(let key of Object.keys(object)){let value=object[key]
let path=prefix+key
if(value===undefined)continue
if(value instanceof Command){if(!UPDATES[value.op])throw wrong(`command.${value.op} has no place in an update`,-401002)
let [operator,content]=UPDATES[value.op](value.args)
put(operator,path,content)}else if(isBranch(value))walk(`${path}.`,value)
else put('$set',path,encode(value))}}
walk('',data)
return out}
let AGGREGATE_OPERATORS=('abs add addToSet allElementsTrue and anyElementTrue arrayElemAt arrayToObject avg ceil cmp '+
'concat concatArrays cond dateFromParts dateFromString dateToString dayOfMonth dayOfWeek '+
'dayOfYear divide eq exp filter first floor gt gte hour ifNull in indexOfArray indexOfBytes '+
'indexOfCP isArray isoDayOfWeek isoWeek isoWeekYear last let literal ln log log10 lt lte ltrim '+
'map max mergeObjects meta millisecond min minute mod month multiply neq not objectToArray or '+
'pow push range reduce reverseArray rtrim second setDifference setEquals setIntersection '+
'setIsSubset setUnion size slice split sqrt stdDevPop stdDevSamp strLenBytes strLenCP strcasecmp '+
'substr substrBytes substrCP subtract sum switch toLower toUpper trim trunc week year zip').split(' ')
let aggregate={pipeline:()=>new Aggregate(null)}
for(let name of AGGREGATE_OPERATORS){let operator=name==='neq'?'$ne':`$${name}`
aggregate[name]=(...args)=>({[operator]:encode(args.length>1?args:args[0])})}
let command={aggregate,project:{slice:(...args)=>({$slice:args.length>1?args:args[0]})}}
for(let name of [...Object.keys(QUERIES),...Object.keys(UPDATES),...Object.keys(WHOLE)]){command[name]=(...args)=>new Command(name,args)}
for(let name of LOGIC)command[name]=(...args)=>new Command(name,flat(args))
let STAGES=('addFields bucket bucketAuto count geoNear group limit lookup project replaceRoot sample skip '+
'sort sortByCount unwind').split(' ')
class Aggregate{constructor(source){this._source=source
this._stages=[]}
match(where){return this._add('$match',queryOf(where))}
done(){return this._stages.slice()}
end(options){const{api,shape,name}=this._source
return shape.call('collection.aggregate',options,async()=>{let stages=this._stages.map((stage)=>{let key=Object.keys(stage)[0]
return{stageKey:key,stageValue:JSON.stringify(stage[key])}})
let data=await api.act('database.aggregate',{collectionName:name,stages})
let list=typeof data.list==='string'?JSON.parse(data.list):data.list
return shape.aggregated(list.map((each)=>decode(typeof each==='string'?JSON.parse(each):each)))})}
_add(key,value){this._stages.push({[key]:value})
return this}}
for(let name of STAGES){Aggregate.prototype[name]=function stage(value){return this._add(`$${name}`,encode(value))}}
let builtin=(name)=>{let known=typeof process !=='undefined'&&process.getBuiltinModule
return known?process.getBuiltinModule(name):undefined}
let scope=()=>(typeof globalThis !=='undefined'?globalThis:{})
let page=()=>scope().location||{}
let headersOf=(text)=>{let header={}
for(let line of(text||'').trim().split(/\r?\n/)){let at=line.indexOf(':')
if(at>0)header[line.slice(0,at).trim().toLowerCase()]=line.slice(at+1).trim()}
return header}
let near=(url)=>new URL(url).hostname===page().hostname
let web={async request({url,method,header,data,binary}){if(typeof fetch !=='function')return byXhr({url,method,header,body:data,binary},{})
let credentials=near(url)?'include':'omit'
let options={method,headers:header,body:data,credentials}
let answer=await fetch(url,options).catch((fault)=>{throw network(`${url} does not answer: ${fault.message}`)})
let headers={}
answer.headers.forEach((value,name)=>(headers[name]=value))
let body=binary?await answer.arrayBuffer():await answer.text()
return{statusCode:answer.status,header:headers,body}},async upload({url,header,fields,file,name,task}){let form=new FormData()
for(let key of Object.keys(fields))form.append(key,fields[key])
form.append('file',await fileOf(file),name)
if(typeof XMLHttpRequest==='function')return byXhr({url,method:'POST',header,body:form},task)
task.progress(0,1)
const{statusCode,header:told}=await web.request({url,method:'POST',header,data:form})
task.heard(told)
task.progress(1,1)
return{statusCode}},async download({url,header,name,task}){let got=await web.request({url,method:'GET',header,binary:true})
task.heard(got.header)
task.progress(1,1)
const{statusCode,body}=got
return{statusCode,data:body,tempFilePath:keep(body,got.header['content-type'],name)}},socket(url){let Socket=scope().WebSocket
if(!Socket)throw wrong('watch needs WebSocket: Node 22, or globalThis.WebSocket',-402008)
let socket=new Socket(url)
return{send:(text)=>socket.send(text),close:(code)=>socket.close(code),on({open,message,close}){socket.onopen=open
socket.onmessage=(event)=>message(event.data)
socket.onclose=(event)=>close(event.code)
socket.onerror=()=>{}}}}}
function byXhr({url,method,header,body,binary},task){return new Promise((resolve,reject)=>{let xhr=new XMLHttpRequest()
xhr.open(method,url)
xhr.withCredentials=near(url)
if(binary)xhr.responseType='arraybuffer'
for(let name of Object.keys(header||{}))xhr.setRequestHeader(name,header[name])
if(task.progress){xhr.upload.onprogress=(event)=>task.progress(event.loaded,event.total)
task.onAbort=()=>xhr.abort()}
xhr.onload=()=>{let told=headersOf(xhr.getAllResponseHeaders())
if(task.heard)task.heard(told)
resolve({statusCode:xhr.status,header:told,body:xhr.response})}
xhr.onabort=()=>reject(network('abort'))
xhr.onerror=()=>reject(network(`${url} does not answer`))
xhr.send(body)})}
async function fileOf(file){if(file instanceof Blob)return file
if(typeof file !=='string')return new Blob([file])
let fs=builtin('fs')
if(fs&&!/^(blob|data|https?):/.test(file))return new Blob([fs.readFileSync(file)])
return(await fetch(file)).blob()}
function keep(bytes,type,name){let fs=builtin('fs')
if(!fs)return URL.createObjectURL(new Blob([bytes],{type}))
let path=builtin('path')
let folder=fs.mkdtempSync(path.join(builtin('os').tmpdir(),'wx-cloud-'))
let file=path.join(folder,name.replace(/[^\w.-]/g,'_')||'file')
fs.writeFileSync(file,new Uint8Array(bytes))
return file}
let native=(host)=>{let ask=(method,options)=>new Promise((resolve,reject)=>{let fail=(fault)=>reject(network(`${options.url}: ${fault.errMsg || fault.errorMessage || fault.message}`))
options.task.onAbort=null
let running=host[method]({...options,success:resolve,fail})
if(!running||!options.task.progress)return
options.task.onAbort=()=>running.abort()
if(running.onProgressUpdate)running.onProgressUpdate((told)=>options.task.tell(told))
if(running.onHeadersReceived){running.onHeadersReceived((told)=>options.task.heard(told.header))}})
return{async request({url,method,header,data,binary}){let responseType=binary?'arraybuffer':'text'
let options={url,method,data,responseType,dataType:'text',task:{}}
let got=await ask('request',{...options,header,headers:header})
const{statusCode=got.status,header:told=got.headers}=got
return{statusCode,header:told,body:got.data}},async upload({url,header,fields,file,task}){let form={formData:fields,filePath:file,name:'file',fileName:'file'}
let options={url,header,headers:header,...form,fileType:'image',task}
let got=await ask('uploadFile',options)
return{statusCode:Number(got.statusCode||got.status||200)}},async download({url,header,task}){let got=await ask('downloadFile',{url,header,headers:header,task})
let tempFilePath=got.tempFilePath||got.apFilePath
return{statusCode:got.statusCode||got.status||200,tempFilePath}},socket(url,header){let socket=host.connectSocket({url,header,headers:header,multiple:true})
return{send:(text)=>socket.send({data:text}),close:(code)=>socket.close({code}),on({open,message,close}){socket.onOpen(open)
socket.onMessage((event)=>message(event.data))
socket.onClose((event)=>close(event.code))
if(socket.onError)socket.onError(()=>{})}}}}}
let hostNamed={wx:()=>(typeof wx !=='undefined'?wx:undefined),my:()=>(typeof my !=='undefined'?my:undefined),uni:()=>(typeof uni !=='undefined'?uni:undefined),qq:()=>(typeof qq !=='undefined'?qq:undefined)}
function transportOf(host){if(host)return native(host)
let inBrowser=typeof fetch==='function'||typeof XMLHttpRequest==='function'
if(inBrowser&&typeof FormData==='function')return web
let found=Object.keys(hostNamed).map((name)=>hostNamed[name]()).find((each)=>each&&each.request)
if(!found)throw wrong('there is neither fetch nor wx.request here',-1)
return native(found)}
class Task{constructor(){this._listeners={progress:[],headers:[]}
this.onAbort=null
this.aborted=false}
abort(){this.aborted=true
if(this.onAbort)this.onAbort()}
onProgressUpdate(listener){this._listeners.progress.push(listener)}
offProgressUpdate(listener){this._drop('progress',listener)}
onHeadersReceived(listener){this._listeners.headers.push(listener)}
offHeadersReceived(listener){this._drop('headers',listener)}
progress(sent,whole){let progress=whole?Math.round((sent / whole)*100):100
this.tell({progress,totalBytesSent:sent,totalBytesExpectedToSend:whole})}
tell(told){for(let listener of this._listeners.progress)listener(told)}
heard(header){for(let listener of this._listeners.headers)listener({header})}
_drop(kind,listener){let kept=(each)=>listener !==undefined&&each !==listener
this._listeners[kind]=this._listeners[kind].filter(kept)}}
class Api{constructor({emulator,openid,host,identityless,pairing}){let variables=(scope().process||{}).env||{}
let chosen=emulator||scope().CLOUD_EMU_URL||variables.CLOUD_EMU_URL
this.base=(chosen||SERVED_FROM||USUAL_ADDRESS).replace(/\/+$/,'')
this.proof=pairing?{'x-emu-pairing':pairing}:{}
let user=identityless?{}:{'x-emu-openid':openid||openidOfPage()||'current'}
this.identity={...user,...this.proof}
this.host=host}
get transport(){return transportOf(this.host)}
async ask(action,body,inFunction){let header={'content-type':'application/json',...this.identity}
let data=JSON.stringify({action,...body})
let url=`${this.base}/web`
const{statusCode,body:text}=await this.transport.request({url,method:'POST',header,data})
let answer=answerOf(text,url,statusCode)
if(answer.code)throw refusal(answer,inFunction)
return answer}
async act(action,body){return(await this.ask(action,body)).data}}
function answerOf(text,url,statusCode){if(text&&typeof text==='object')return text
try{return JSON.parse(text)}catch(fault){throw network(`${url} is no suite of Cloud Emu: status ${statusCode}`)}}
function openidOfPage(){let found=/[?&]emu_openid=([^&]+)/.exec(page().search||'')
return found?decodeURIComponent(found[1]):''}
let CALLBACKS=['success','fail','complete']
let later=(error)=>setTimeout(()=>{throw error})
let wechat={usualLimit:20,mostLimit:20,data:(options)=>options.data,ok:(api,result)=>({...result,errMsg:`${api}:ok`}),refuse:(api,error)=>named(api,error),list:(data)=>({data}),one:(data)=>({data}),absentFails:true,reserved:['_openid'],counted:(total)=>({total}),added:(ids)=>({_id:ids[0]}),updated:(updated)=>({stats:{updated}}),removed:(removed)=>({stats:{removed}}),replaced:(_id,made,updated)=>({_id,stats:{updated,created:made?1:0}}),aggregated:(list)=>({list}),file:(fileID,code,others)=>{let status=code==='SUCCESS'?0:(CODES[code]||[-1])[0]
return{fileID,...others,status,errMsg:status?code:'ok'}},call(api,options,work){let given=options||{}
let running=Promise.resolve().then(()=>work(given)).then((result)=>this.ok(api,result),(error)=>{throw this.refuse(api,error)})
if(!CALLBACKS.some((name)=>typeof given[name]==='function'))return running
let tell=(name,told)=>typeof given[name]==='function'&&given[name](told)
let end=(name)=>(told)=>{try{tell(name,told)}finally{tell('complete',told)}}
running.then(end('success'),end('fail')).catch(later)
return undefined}}
let alipay={...wechat,reserved:[],usualLimit:100,mostLimit:1000,ok:(api,result)=>result,refuse(api,error){let told=named(api,error)
told.code=String(told.code)
return told},list:(data)=>data,one:(data)=>data,counted:(total)=>total,added:(ids)=>(ids.length>1?{ids}:{id:ids[0]}),updated:(count)=>({count}),removed:(count)=>({count}),replaced:(_id,made,updated)=>({count:made?1:updated}),aggregated:(list)=>list,file:(fileID,code,others)=>{let good=code==='SUCCESS'
return{fileID,...others,status:good?0:-1,message:good?'ok':code}}}
let uniapp={...wechat,usualLimit:100,mostLimit:1000,data:(options)=>options,list:(data)=>({result:{errCode:0,errMsg:'',data,affectedDocs:data.length}}),one:(data)=>uniapp.list(data?[data]:[]),absentFails:false,reserved:[],counted:(total)=>({result:{errCode:0,errMsg:'',total,affectedDocs:total}}),added:(ids)=>{let told=ids.length>1?{ids,inserted:ids.length}:{id:ids[0]}
return{result:{errCode:0,errMsg:'',...told}}},updated:(updated)=>({result:{errCode:0,errMsg:'',updated}}),removed:(deleted)=>({result:{errCode:0,errMsg:'',deleted}}),replaced:(id,made,updated)=>({result:{errCode:0,errMsg:'',updated,...(made?{upsertedId:id}:{})}}),aggregated:(data)=>uniapp.list(data)}
let requireData=(data)=>{if(!isPlain(data)){throw wrong(`parameter.data should be object instead of ${data === null ? null : typeof data};`)}
return data}
let requireChanges=(data)=>{if('_id' in requireData(data))throw wrong('invalid parameters. 不能更新_id的值',-501007)
return data}
class Found{constructor(database,name,kind){this._database=database
this._name=name
this._kind=kind}
update(options){return this._run('update',options,async(api,shape)=>{let data=operatorsOf(requireChanges(shape.data(options||{})))
let body={...this._asked(),data,multi:this._kind==='collection',merge:true,upsert:false}
return shape.updated((await api.act('database.updateDocument',body)).updated)})}
remove(options){return this._run('remove',options,async(api,shape)=>{let body={...this._asked(true),multi:this._kind==='collection'}
return shape.removed((await api.act('database.deleteDocument',body)).deleted)})}
_run(verb,options,work){const{shape}=this._database
return shape.call(`${this._kind}.${verb}`,options,()=>work(this._database.api(),shape))}}
class Query extends Found{constructor(database,name,state){super(database,name,'collection')
this._state=state||{order:[]}}
where(condition_){return this._with({where:condition_})}
orderBy(field,direction='asc'){let [path,way=direction]=String(field).trim().split(/\s+/)
return this._with({order:[...this._state.order,{field:path,direction:way}]})}
limit(limit){return this._with({limit})}
skip(offset){return this._with({offset})}
field(fields){let list=typeof fields==='string'?fields.split(/\s*,\s*/):null
let projection=list?Object.fromEntries(list.map((name)=>[name,1])):{...fields}
for(let name of Object.keys(projection)){if(typeof projection[name]==='boolean')projection[name]=projection[name]?1:0}
return this._with({projection})}
projection(fields){return this.field(fields)}
get(options){return this._run('get',options,async(api,shape)=>{const{order,offset,limit,projection}=this._state
let most=Math.min(limit||shape.usualLimit,shape.mostLimit)
let data=await api.act('database.queryDocument',{...this._asked(),order:order.length?order:undefined,offset,limit:most,projection})
return shape.list(data.list.map(decode))})}
count(options){return this._run('count',options,async(api,shape)=>shape.counted((await api.act('database.countDocument',this._asked())).total))}
watch(options){const{order,limit}=this._state
let orderBy=Object.fromEntries(order.map((each)=>[each.field,each.direction]))
let query=JSON.stringify(queryOf(this._state.where||{}))
return watching(this._database,{collName:this._name,query,limit,orderBy},options)}
_with(change){return new Query(this._database,this._name,{...this._state,...change})}
_asked(strict){const{where}=this._state
if(typeof where==='string')throw wrong('queries in JQL text are not understood here')
let query=where===undefined&&strict?undefined:queryOf(where||{})
return{collectionName:this._name,queryType:'WHERE',query}}}
class Collection extends Query{doc(id){if(typeof id !=='string'&&typeof id !=='number'){throw new CloudError('collection.doc',-401003,'-401003 docId should be string or number')}
return new Doc(this._database,this._name,id)}
add(options){return this._run('add',options,async(api,shape)=>{let data=shape.data(options||{})
let documents=Array.isArray(data)?data.map(requireData):requireData(data)
let taken=shape.reserved.find((name)=>[documents].flat().some((each)=>name in each))
if(taken)throw wrong(`invalid parameters. Invalid Key Name: ${taken}`,-501007)
let body={collectionName:this._name,data:encode(documents)}
let told=await api.act('database.addDocument',body)
return shape.added(told.insertedIds||[told._id])})}
aggregate(){let database=this._database
let api={act:(action,body)=>database.api().act(action,body)}
return new Aggregate({api,shape:database.shape,name:this._name})}}
class Doc extends Found{constructor(database,name,id,projection){super(database,name,'document')
this._id=id
this._projection=projection}
field(fields){const{projection}=new Query(null,'').field(fields)._state
return new Doc(this._database,this._name,this._id,projection)}
get(options){return this._run('get',options,async(api,shape)=>{let body={...this._asked(),projection:this._projection,limit:1}
let [found]=(await api.act('database.queryDocument',body)).list
if(found)return shape.one(decode(found))
if(shape.absentFails&&this._database.throwOnNotFound)throw new Failure(-1,this._absent(),'NOT_FOUND')
return shape.one(null)})}
set(options){return this._run('set',options,async(api,shape)=>{let data=requireChanges(shape.data(options||{}))
let body={...this._asked(),data:encode(data),multi:false,merge:false,upsert:true}
let told=await api.act('database.updateDocument',body)
let made=told.upserted_id||told.upsert_id
return shape.replaced(this._id,made,told.updated)})}
watch(options){let asked={collName:this._name,query:JSON.stringify({_id:this._id})}
return watching(this._database,asked,options)}
_absent(){return(`cannot find document with _id ${this._id}, please make sure that the document exists and `+
'you have the corresponding access permission')}
_asked(){return{collectionName:this._name,queryType:'DOC',query:{_id:this._id}}}}
class Database{constructor(cloud_,options){this._cloud=cloud_
this.shape=cloud_.shape
this.throwOnNotFound=!options||options.throwOnNotFound !==false
this.config={env:(options&&options.env)||''}
this.command=command
this.Geo=Geo
this.serverDate=(given)=>new ServerDate(given)
this.RegExp=function RegularExpression(given){return new Pattern(given)}}
collection(name){if(typeof name !=='string'||!name){throw new CloudError('database.collection',-401003,'-401003 collection name should be string')}
return new Collection(this,name)}
api(){return this._cloud.api()}
feed(){return this._cloud.feed()}}
let QUIET_MS=10000
let ANSWER_MS=10000
let RECONNECTS_MAX=5
let RENEWED=new Set(['CHECK_LOGIN_FAILED','SIGN_EXPIRED_ERROR','SIGN_INVALID_ERROR'])
let count=0
let nextId=(kind)=>`${kind}_${Date.now()}_${(count += 1)}`
class Feed{constructor(api){this._api=api
this._watches=new Map()
this._waiting=new Map()
this._socket=null
this._opening=null
this._failures=0}
async add(watch){this._watches.set(watch.id,watch)
await this._begin(watch)}
drop(watch){if(!this._watches.delete(watch.id))return
this._send('CLOSE_WATCH',null,watch.id)
if(this._watches.size)return
clearTimeout(this._pinging)
if(this._socket)this._socket.close(3001)
this._socket=this._opening=null}
async _begin(watch){await this._open()
const{envId,request,queryID,eventID}={...watch,envId:this._envId}
let known=queryID !==undefined
let data=known?{envId,collName:request.collName,queryID,eventID}:{envId,...request}
let kind=known?'REBUILD_WATCH':'INIT_WATCH'
watch.take(await this._ask(kind,data,watch.id))}
_open(){this._opening=this._opening||this._connect()
return this._opening}
async _connect(){const{data}=await this._api.ask('auth.wsWebSign',{})
let socket=this._api.transport.socket(data.wsUrl,this._api.proof)
this._envId=data.envId
await new Promise((open,fail)=>{socket.on({open,message:(text)=>this._hear(JSON.parse(text)),close:(code)=>{fail(network(`the connection for watch() closed: ${code}`))
if(this._socket===socket)this._lost()}})})
this._socket=socket
const{envId,signStr,secretVersion}=data
let login={envId,accessToken:'',referrer:'web',sdkVersion:'',dataVersion:''}
let signed={runtime:'web',signStr,secretVersion}
await this._ask('LOGIN',login,undefined,signed)
this._failures=0
this._ping()}
_ping(){clearTimeout(this._pinging)
this._pinging=setTimeout(()=>{this._ask('PING',null).catch(()=>this._socket&&this._socket.close(3000))},QUIET_MS)
if(this._pinging.unref)this._pinging.unref()}
_ask(msgType,msgData,watchId,exMsgData){return new Promise((resolve,reject)=>{let requestId=this._send(msgType,msgData,watchId,exMsgData)
let fail=()=>reject(network(`watch(): no answer to ${msgType}`))
let timer=setTimeout(fail,ANSWER_MS)
this._waiting.set(requestId,(message)=>{clearTimeout(timer)
this._waiting.delete(requestId)
let told=message.msgData||{}
if(told.code)reject(refusal({...told,message:told.message||''}))
else resolve(told)})})}
_send(msgType,msgData,watchId,exMsgData){let requestId=nextId('request')
let message={watchId,requestId,msgType,msgData,exMsgData}
if(this._socket)this._socket.send(JSON.stringify(message))
return requestId}
_hear(message){this._ping()
let waiting=this._waiting.get(message.requestId)
if(waiting)return waiting(message)
let watch=this._watches.get(message.watchId)
if(!watch)return undefined
if(message.msgType==='ERROR')return this._fail(watch,refusal(message.msgData))
if(!message.msgData||!message.msgData.events)return undefined
return watch.take(message.msgData)||this._begin(watch).catch((error)=>this._fail(watch,error))}
_fail(watch,error){if(!RENEWED.has(error.code))this._watches.delete(watch.id)
watch.fail(error)}
_lost(){clearTimeout(this._pinging)
this._socket=this._opening=null
if(!this._watches.size)return
this._failures+=1
let begin=(watch)=>this._begin(watch).catch((error)=>{this._opening=null
if(this._failures<RECONNECTS_MAX)setTimeout(()=>this._lost(),QUIET_MS)
else this._fail(watch,error)})
for(let watch of this._watches.values())begin(watch)}}
class Watch{constructor(shape,request,options){this.id=nextId('watchid')
this.request=request
this.eventID=0
this.docs=[]
this._options=options
this._shape=shape}
take({queryID,currEvent,events}){let isFirst=this.queryID===undefined
this.queryID=queryID
let fresh=isFirst?events:events.filter((event)=>event.ID>this.eventID)
if(!isFirst&&fresh.length&&fresh[0].ID>this.eventID+1)return false
let steps=isFirst?[currEvent]:[...new Set(fresh.map((event)=>event.ID))]
for(let id of steps){let step=isFirst?fresh:fresh.filter((event)=>event.ID===id)
let whole=isFirst||step[0].QueueType==='init'
if(whole)this.docs=[]
let docChanges=step.map((event)=>this._apply(event))
this.eventID=id
let type=whole?{type:'init'}:{}
this._tell('onChange',{id,docChanges,docs:this.docs.slice(),...type})}
return true}
fail(error){this._tell('onError',this._shape.refuse('document.watch',error))}
_tell(name,told){if(this._options[name])Promise.resolve().then(()=>this._options[name](told)).catch(later)}
_apply(event){const{ID:id,DataType:dataType,QueueType:queueType,DocID:docId}=event
let at=this.docs.findIndex((each)=>each._id===docId)
let given=event.Doc&&event.Doc !=='{}'?decode(JSON.parse(event.Doc)):null
let change={id,dataType,queueType,docId}
if(event.UpdatedFields)change.updatedFields=decode(JSON.parse(event.UpdatedFields))
if(event.removedFields)change.removedFields=JSON.parse(event.removedFields)
let doc=given||patched(this.docs[at]||{},change)
if(queueType==='dequeue')this.docs=this.docs.filter((each)=>each._id !==docId)
else if(queueType==='update'&&at>=0)this.docs=Object.assign([...this.docs],{[at]:doc})
else this.docs=[...this.docs,doc]
return{...change,doc}}}
function patched(doc,{updatedFields={},removedFields=[]}){let out=decode(encode(doc))
let reach=(path,act)=>{let keys=path.split('.')
let last=keys.pop()
let step=(here,key)=>(here[key]=here[key]&&typeof here[key]==='object'?here[key]:{})
act(keys.reduce(step,out),last)}
for(let path of Object.keys(updatedFields)){reach(path,(holder,key)=>(holder[key]=updatedFields[path]))}
for(let path of removedFields)reach(path,(holder,key)=>delete holder[key])
return out}
function watching(database,request,options){if(!options||typeof options.onChange !=='function'||typeof options.onError !=='function'){throw new CloudError('document.watch',-401003,'-401003 onChange and onError should be functions')}
let watch=new Watch(database.shape,request,options)
let feed=database.feed()
feed.add(watch).catch((error)=>{feed.drop(watch)
watch.fail(error)})
return{close:async()=>feed.drop(watch)}}
let requireText=(value,name)=>{if(typeof value !=='string'||!value){throw wrong(`parameter.${name} should be string instead of ${typeof value};`)}
return value}
let requireFiles=(list)=>{if(!Array.isArray(list))throw wrong('parameter.fileList should be array')
if(list.length>FILES_MAX)throw wrong(`fileList may hold ${FILES_MAX} files`,-401002)
return list}
let openDataOf=(data)=>isPlain(data)?Object.keys(data).filter((key)=>data[key] instanceof OpenData):[]
class Instance{constructor(shape,options){this.shape=shape
this.DYNAMIC_CURRENT_ENV=ANY_ENV
this._given=options
this._api=null
let own=this
this.Cloud=function Cloud(given){return new Instance(own.shape,{...given,later:true})}
this.CloudID=function CloudID(id){return new OpenData(id)}
for(let name of Object.getOwnPropertyNames(Instance.prototype)){if(name !=='constructor')this[name]=this[name].bind(this)}
if(shape===uniapp)this._api=new Api({})}
init(options){this._api=new Api({...this._given,...options})
return this._given&&this._given.later?Promise.resolve():undefined}
createCloudContext(options){return new Instance(this.shape,{...options,later:true})}
api(){if(!this._api){throw new Failure(-1,NOT_BEGUN)}
return this._api}
feed(){this._feed=this._feed||new Feed(this.api())
return this._feed}
database(options){if(!this._api)throw new CloudError('cloud.database',-1,NOT_BEGUN)
return new Database(this,options)}
callFunction(options){return this.shape.call('cloud.callFunction',options,async({name,data})=>{let body={function_name:requireText(name,'name'),request_data:JSON.stringify(data===undefined?{}:data),cloud_ids:openDataOf(data)}
let answer=await this.api().ask('functions.invokeFunction',body,true)
let text=answer.data.response_data
let result=text===''||text===undefined?null:JSON.parse(text)
return{result,requestID:answer.requestId,requestId:answer.requestId}})}
uploadFile(options){let task=new Task()
let watched=options&&options.onUploadProgress
if(watched)task.onProgressUpdate((told)=>watched({...told,loaded:told.totalBytesSent}))
let running=this.shape.call('cloud.uploadFile',options,async(given)=>{let path=requireText(given.cloudPath,'cloudPath')
let file=given.filePath||given.file||given.fileContent
if(!file)throw wrong('parameter.filePath should be string instead of undefined;')
let ticket=await this.api().act('storage.getUploadMetadata',{path})
let fields={key:path,Signature:ticket.authorization,'x-cos-meta-fileid':ticket.cosFileId,'x-cos-security-token':ticket.token,success_action_status:'201'}
let name=path.split('/').pop()
if(task.aborted)throw network('abort')
let sent={url:ticket.url,fields,file,name,task}
let header=this.api().proof
const{statusCode}=await this.api().transport.upload({...sent,header})
if(statusCode>=300)throw refusal({code:'STORAGE_REQUEST_FAIL',message:statusCode})
return{fileID:ticket.fileId,statusCode}})
return running||task}
downloadFile(options){let task=new Task()
let running=this.shape.call('cloud.downloadFile',options,async(given)=>{let fileid=requireText(given.fileID,'fileID')
let file_list=[{fileid,max_age:600}]
let told=await this.api().act('storage.batchGetDownloadUrl',{file_list})
let [found]=told.download_list
if(found.code !=='SUCCESS')throw refusal({code:found.code,message:fileid})
if(task.aborted)throw network('abort')
let name=fileid.split('/').pop()
let header=this.api().proof
let got=await this.api().transport.download({url:found.download_url,header,name,task})
if(got.statusCode>=300)throw refusal({code:'STORAGE_REQUEST_FAIL',message:fileid})
return got})
return running||task}
getTempFileURL(options){return this.shape.call('cloud.getTempFileURL',options,async({fileList})=>{let file_list=requireFiles(fileList).map((file)=>{const{fileID:fileid=file,maxAge:max_age}=Object(file)
return{fileid,max_age}})
let told=await this.api().act('storage.batchGetDownloadUrl',{file_list})
let row=({code,fileID,tempFileURL='',maxAge})=>this.shape.file(fileID,code,{tempFileURL,...(maxAge?{maxAge}:{})})
return{fileList:told.download_list.map(row)}})}
deleteFile(options){return this.shape.call('cloud.deleteFile',options,async({fileList})=>{let body={fileid_list:requireFiles(fileList)}
let told=await this.api().act('storage.batchDeleteFile',body)
return{fileList:told.delete_list.map(({code,fileID})=>this.shape.file(fileID,code,{}))}})}
callContainer(options){return this.shape.call('cloud.callContainer',options,async(given)=>{const{path='/',method='GET',header={},data,dataType='json'}=given
let named_=Object.keys(header).find((key)=>key.toLowerCase()==='x-wx-service')
let service=requireText(given.service||header[named_],'service')
let api=this.api()
let isText=Object(data)!==data||data instanceof ArrayBuffer
let query=method==='GET'&&!isText?`${path.includes('?') ? '&' : '?'}${new URLSearchParams(data)}`:''
const{statusCode,header:told,body}=await api.transport.request({url:`${api.base}/v1/cloudrun/${service}/${path.replace(/^\/+/, '')}${query}`,method,header:{...(isText?{}:{'content-type':'application/json'}),...api.identity,...header},data:query||isText?(query?undefined:data):JSON.stringify(data),binary:given.responseType==='arraybuffer'})
let callID=told['x-cloudbase-request-id']||''
return{data:dataType==='json'?parsed(body):body,statusCode,header:told,callID}})}}
let parsed=(text)=>{try{return JSON.parse(text)}catch(fault){return text}}
let cloud=new Instance(wechat)
let alipayCloud=new Instance(alipay)
let uniCloud=new Instance(uniapp)
function put(holder,name,value){try{holder[name]=value}catch(fault){}
if(holder[name] !==value){Object.defineProperty(holder,name,{value,configurable:true,writable:true})}}
function install(hosts={}){let all=scope()
let wx_=hosts.wx||hostNamed.wx()||(all.wx={})
put(wx_,'cloud',cloud)
let qq_=hosts.qq||hostNamed.qq()
if(qq_)put(qq_,'cloud',cloud)
let my_=hosts.my||hostNamed.my()||(SERVED_FROM&&hostNamed.wx()===all.wx&&(all.my={}))
if(my_)put(my_,'cloud',alipayCloud)
if(hosts.Taro)put(hosts.Taro,'cloud',cloud)
put(hosts.global||all,'uniCloud',uniCloud)
return cloud}
if(SERVED_FROM)install()
const exported = { default: cloud, cloud, alipayCloud, uniCloud, install }
if (typeof module === 'object' && module.exports) module.exports = exported
else globalThis.cloudEmu = exported
})()
