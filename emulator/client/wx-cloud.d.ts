/** wx.cloud, my.cloud, Taro.cloud and uniCloud for a suite of Cloud Emu on this machine. */

type Data = Record<string, any>

export interface Callbacks<T> {
  success?(result: T): void
  fail?(error: CloudError): void
  complete?(told: T | CloudError): void
}

/** With a callback nothing is returned, without one a promise. */
export interface Call<O, T> {
  (options: O & { success?: undefined; fail?: undefined; complete?: undefined }): Promise<T>
  (options: O & Callbacks<T>): void
}

export interface CloudError extends Error {
  errCode: number
  errMsg: string
  code: string | number
}

export interface InitOptions {
  env?: string | { database?: string; functions?: string; storage?: string } | symbol
  traceUser?: boolean
  /** Address of the suite; by default CLOUD_EMU_URL, where the script came from, port 8270. */
  emulator?: string
  /** The WeChat user to be; by default the suite's current test user. */
  openid?: string
  /** The key that `cloud-emu start --host` shows, for devices that are no browsers. */
  pairing?: string
  /** Be nobody. */
  identityless?: boolean
  /** The object whose `request`, `uploadFile`, `downloadFile` and `connectSocket` are to be used. */
  host?: Data
}

export interface Progress {
  progress: number
  totalBytesSent?: number
  totalBytesExpectedToSend?: number
}

export interface Task {
  abort(): void
  onProgressUpdate(listener: (told: Progress) => void): void
  offProgressUpdate(listener?: (told: Progress) => void): void
  onHeadersReceived(listener: (told: { header: Data }) => void): void
  offHeadersReceived(listener?: (told: { header: Data }) => void): void
}

export interface Transfer<O, T> {
  (options: O & { success?: undefined; fail?: undefined; complete?: undefined }): Promise<T>
  (options: O & Callbacks<T>): Task
}

export interface FileTold {
  fileID: string
  status: number
  errMsg: string
  tempFileURL?: string
  maxAge?: number
}

export interface Told {
  errMsg: string
}

export interface QueryCommand {
  and(...others: any[]): QueryCommand
  or(...others: any[]): QueryCommand
  eq(value: any): QueryCommand
  neq(value: any): QueryCommand
  gt(value: any): QueryCommand
  gte(value: any): QueryCommand
  lt(value: any): QueryCommand
  lte(value: any): QueryCommand
  in(values: any[]): QueryCommand
  nin(values: any[]): QueryCommand
  exists(there: boolean): QueryCommand
  mod(divisor: number | [number, number], rest?: number): QueryCommand
  all(values: any[]): QueryCommand
  size(size: number): QueryCommand
  elemMatch(condition: any): QueryCommand
  geoNear(options: { geometry: GeoShape; maxDistance?: number; minDistance?: number }): QueryCommand
  geoWithin(options: { geometry?: GeoShape; centerSphere?: [any, number] }): QueryCommand
  geoIntersects(options: { geometry: GeoShape }): QueryCommand
}

export interface UpdateCommand {
  readonly op: string
}

export interface DatabaseCommand extends QueryCommand {
  not(condition: any): QueryCommand
  nor(...conditions: any[]): QueryCommand
  expr(expression: any): QueryCommand
  jsonSchema(schema: any): QueryCommand
  set(value: any): UpdateCommand
  remove(): UpdateCommand
  inc(by: number): UpdateCommand
  mul(by: number): UpdateCommand
  min(value: any): any
  max(value: any): any
  bit(operations: Data): UpdateCommand
  rename(name: string): UpdateCommand
  push(...values: any[]): UpdateCommand
  pop(): UpdateCommand
  shift(): UpdateCommand
  unshift(...values: any[]): UpdateCommand
  addToSet(value: any): UpdateCommand
  pull(condition: any): UpdateCommand
  pullAll(values: any[]): UpdateCommand
  aggregate: { pipeline(): Aggregate; [operator: string]: (...args: any[]) => any }
  project: { slice(...args: any[]): any }
}

export interface GeoShape {
  readonly type: string
  readonly coordinates: any[]
  readonly longitude: number
  readonly latitude: number
  toJSON(): { type: string; coordinates: any[] }
}

export interface ShapeOf<A extends any[]> {
  (...args: A): GeoShape
  new (...args: A): GeoShape
}

export interface Geo {
  Point: ShapeOf<[longitude: number, latitude: number]>
  MultiPoint: ShapeOf<[parts: any[]]>
  LineString: ShapeOf<[parts: any[]]>
  MultiLineString: ShapeOf<[parts: any[]]>
  Polygon: ShapeOf<[parts: any[]]>
  MultiPolygon: ShapeOf<[parts: any[]]>
}

export interface Aggregate {
  match(condition: any): Aggregate
  addFields(fields: Data): Aggregate
  bucket(options: Data): Aggregate
  bucketAuto(options: Data): Aggregate
  count(field: string): Aggregate
  geoNear(options: Data): Aggregate
  group(options: Data): Aggregate
  limit(count: number): Aggregate
  lookup(options: Data): Aggregate
  project(fields: Data): Aggregate
  replaceRoot(options: Data): Aggregate
  sample(options: Data): Aggregate
  skip(count: number): Aggregate
  sort(options: Data): Aggregate
  sortByCount(field: any): Aggregate
  unwind(field: any): Aggregate
  done(): Data[]
  end(options?: Callbacks<any>): Promise<{ list: any[] } & Told>
}

export interface Change {
  id: number
  dataType: 'init' | 'add' | 'update' | 'replace' | 'remove' | 'limit'
  queueType: 'init' | 'enqueue' | 'update' | 'dequeue'
  docId: string
  doc: any
  updatedFields?: Data
  removedFields?: string[]
}

export interface Snapshot {
  id: number
  docChanges: Change[]
  docs: any[]
  type?: 'init'
}

export interface WatchOptions {
  onChange(snapshot: Snapshot): void
  onError(error: CloudError): void
}

export interface Watcher {
  close(): Promise<void>
}

export interface Query {
  where(condition: any): Query
  orderBy(field: string, direction?: 'asc' | 'desc'): Query
  limit(count: number): Query
  skip(count: number): Query
  field(fields: Data | string): Query
  projection(fields: Data): Query
  get(options?: Callbacks<any>): Promise<{ data: any[] } & Told>
  count(options?: Callbacks<any>): Promise<{ total: number } & Told>
  update(options: { data: Data } & Callbacks<any>): Promise<{ stats: { updated: number } } & Told>
  remove(options?: Callbacks<any>): Promise<{ stats: { removed: number } } & Told>
  watch(options: WatchOptions): Watcher
}

export interface Collection extends Query {
  doc(id: string | number): Doc
  add(options: { data: Data } & Callbacks<any>): Promise<{ _id: string | number } & Told>
  aggregate(): Aggregate
}

export interface Doc {
  field(fields: Data): Doc
  get(options?: Callbacks<any>): Promise<{ data: any } & Told>
  set(
    options: { data: Data } & Callbacks<any>
  ): Promise<{ _id: string | number; stats: { updated: number; created: number } } & Told>
  update(options: { data: Data } & Callbacks<any>): Promise<{ stats: { updated: number } } & Told>
  remove(options?: Callbacks<any>): Promise<{ stats: { removed: number } } & Told>
  watch(options: WatchOptions): Watcher
}

export interface Database {
  readonly command: DatabaseCommand
  readonly Geo: Geo
  readonly config: { env: string }
  collection(name: string): Collection
  serverDate(options?: { offset?: number }): any
  RegExp: { (options: { regexp: string; options?: string }): any; new (options: { regexp: string; options?: string }): any }
}

export interface Cloud {
  readonly DYNAMIC_CURRENT_ENV: symbol
  readonly Cloud: new (options?: InitOptions & { resourceAppid?: string; resourceEnv?: string }) => Cloud
  CloudID: { (id: string): any; new (id: string): any }
  init(options?: InitOptions): void | Promise<void>
  createCloudContext(options?: InitOptions): Cloud
  database(options?: { env?: string; throwOnNotFound?: boolean }): Database
  callFunction: Call<{ name: string; data?: any; slow?: boolean; config?: Data }, { result: any; requestID: string } & Told>
  uploadFile: Transfer<
    { cloudPath: string; filePath?: any; file?: any; header?: Data; onUploadProgress?(told: Data): void },
    { fileID: string; statusCode: number } & Told
  >
  downloadFile: Transfer<
    { fileID: string },
    { tempFilePath: string; data?: ArrayBuffer; statusCode: number } & Told
  >
  getTempFileURL: Call<{ fileList: (string | { fileID: string; maxAge?: number })[] }, { fileList: FileTold[] } & Told>
  deleteFile: Call<{ fileList: string[] }, { fileList: FileTold[] } & Told>
  callContainer: Call<
    { path?: string; service?: string; method?: string; header?: Data; data?: any; dataType?: string; responseType?: string; config?: Data },
    { data: any; statusCode: number; header: Data; callID: string } & Told
  >
}

/** Put the objects where apps look for them: wx.cloud, my.cloud, uniCloud, and Taro.cloud if given. */
export function install(hosts?: { wx?: any; my?: any; qq?: any; Taro?: any; global?: any }): Cloud
export const cloud: Cloud
/** The same with Alipay's results: bare arrays, numbers and `{ count }`. */
export const alipayCloud: any
/** The same with uniCloud's results in `result`; documents are arguments themselves. */
export const uniCloud: any
export default cloud
