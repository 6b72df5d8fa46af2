import type { Language } from './language.ts';

/** How a step's reason is said to a person. In English most already are sentences, as the log has them: then only Chinese is given. */
type Said = readonly [pattern: RegExp, zh: string, en?: string];

// `$1` is the first group of the pattern.
const REASONS: readonly Said[] = [
  [/^session-ended$/, '持有它的会话已结束，没有回执', 'the session that had it ended without a receipt'],
  [/^session-silent$/, '持有它的会话没有应答', 'the session that had it does not answer'],
  [/^bounced$/, '上一份副本被退回', 'the last copy came back'],
  [/^not-stored$/, '上一份副本没有进入离线存储', 'the last copy was not kept for him while he was away'],
  [
    /^session-ended, but it is (.*)$/,
    '持有它的会话已结束，但消息状态为 $1',
    'the session that had it ended, but it is $1',
  ],
  [
    /^session-silent, but it is (.*)$/,
    '持有它的会话没有应答，但消息状态为 $1',
    'the session that had it is silent, but it is $1',
  ],
  [/^the server has a copy$/, '服务器已收下一份副本'],
  [/^the last copy came back$/, '上一份副本被退回'],
  [/^it was due$/, '到了预定时间'],
  [/^it was to expire, and has ended or got more time$/, '本应过期，但已结束或获得更多时间'],
  [/^its time is over$/, '期限已到'],
  [/^by the clock, if no evidence comes first$/, '若无其他依据先出现，则按时间'],
  [/^only evidence brings another copy; then it expires$/, '只有出现依据才再发副本；此后过期'],
  [/^it has ended, or a later copy is in flight$/, '消息已结束，或更晚的副本正在途中'],
  [/^first these sessions are asked whether they are there: (.*)$/, '先询问这些会话是否仍在：$1'],
  [/^it has answered, and has had the copy$/, '已应答，并已收到副本'],
  [/^an error came, which its client or its server may have made$/, '收到错误，可能来自其客户端或服务器'],
  [/^its server says that it is gone$/, '其服务器称该会话已不在'],
  [/^it has not answered$/, '没有应答'],
  [/^it could not be asked, or the link went down$/, '无法询问，或连接已断开'],
  [
    /^moot: another has this attempt, it has ended, or the rules let it wait$/,
    '不再需要：已由别处处理、已结束，或按规则等待',
  ],
  [/^another process or a job has it, or it has ended$/, '由另一进程或任务处理，或已结束'],
  [/^the server has not taken the copy before it yet$/, '服务器尚未收下前一份副本'],
  [/^the server has taken the copy before it$/, '服务器已收下前一份副本'],
  [/^its receipt is on its way to Redis$/, '其回执正在写入 Redis'],
  [/^by the gate, with its verdict$/, '由网关随裁决发出'],
  [/^the gate knows of no session that lacks it$/, '网关没有发现缺少它的会话'],
  [/^its session ended right after its receipt$/, '其会话在回执之后立即结束'],
  [/^its server has seen that the client has it$/, '其服务器已见客户端收到'],
  [/^its sender wrote it again while nothing was held$/, '网关不扣留消息期间，发送者重新发送了它'],
  [/^this session has confirmed a later message of (.*)$/, '该会话已确认 $1 后来的消息'],
  [/^a receipt, late$/, '迟到的回执', 'a late receipt'],
  [/^a receipt, \w+$/, '收到回执', 'a receipt'],
  [/^a receipt that passed to its sender$/, '直接到达发送者的回执'],
  [/^the account that it was for was deleted$/, '收件人的账号已被删除'],
  [/^a marker$/, '收到聊天标记'],
  [/^a reply$/, '收到回复'],
  [/^a reaction$/, '收到表情回应'],
  [/^it is known, and (\w+)$/, '已知，状态为 $1'],
  [/^it is delivered$/, '消息已送达'],
  [/^it is expired$/, '消息已过期'],
  [/^it is rejected$/, '消息被拒绝'],
  [/^it is (\w+); with others, in a batch$/, '状态为 $1；与其他消息一起'],
  [/^with others, in a batch$/, '与其他消息一起'],
  [/^no such message$/, '没有这条消息'],
  [/^its sender is away$/, '发送者离线'],
  [/^its stored text is damaged$/, '存储的内容已损坏'],
  [/^The server ends the stream over it$/, '服务器因它而断开连接'],
  [/^Redis did not take it in time$/, 'Redis 未及时收下'],
  [/^over a limit: (.*)$/, '超过限额：$1'],
  [/^Rejected with ([\w-]+)(?=:|$)/, '被拒绝：$1'],
  [/^No confirmation in time$/, '未及时得到确认'],
  [/^Could not be sent$/, '未能发出'],
];

/** A reason in the language of the page, with the language that it is in now. */
export function reasonIn(language: Language, reason: string): { readonly text: string; readonly lang: Language } {
  const said = REASONS.find(([pattern]) => pattern.test(reason));
  const words = language === 'zh' ? said?.[1] : said?.[2];
  if (said === undefined || words === undefined) return { text: reason, lang: 'en' };
  return { text: reason.replace(said[0], words), lang: language };
}

const ROW = {
  en: {
    presence: { unknown: 'his presence is not known', online: 'he is online', offline: 'he is away' },
    confirms: {
      yes: 'his client returns receipts',
      no: 'his client returns none',
      unknown: 'his client has returned none yet',
    },
    copy: { 'handed over': 'the server has the last copy', bounced: 'the last copy came back', none: 'no copy is out' },
  },
  zh: {
    presence: { unknown: '其在线状态未知', online: '其在线', offline: '其离线' },
    confirms: { yes: '其客户端会返回回执', no: '其客户端不返回回执', unknown: '尚未见其客户端返回回执' },
    copy: { 'handed over': '服务器已收下上一份副本', bounced: '上一份副本被退回', none: '没有副本在途' },
  },
} as const;

const DECIDED: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  'timer = lease': { en: 'sent by whoever finds it', zh: '由发现者发送' },
  'timer = timetable': { en: 'another copy by RETRY_SCHEDULE', zh: '按 RETRY_SCHEDULE 再发' },
  'timer = unconfirmed': {
    en: 'a few more copies, by UNCONFIRMED_RETRY_AFTER',
    zh: '按 UNCONFIRMED_RETRY_AFTER 再发少数几份',
  },
  'timer = ask': { en: 'his sessions are asked whether they are there', zh: '询问其会话是否仍在' },
  'timer = none': { en: 'the clock sends nothing', zh: '不按时间再发' },
  'presence = true': { en: 'another copy when he is seen', zh: '见其上线时再发' },
  'presence = false': { en: 'his presence brings no copy', zh: '不因其在线状态再发' },
  'sessionEnded = always': {
    en: 'another copy, as the session that had it has ended',
    zh: '持有它的会话已结束，再发一份',
  },
  'sessionEnded = limited': {
    en: 'one of a few copies, as the session that had it has ended',
    zh: '持有它的会话已结束，再发（次数有限）',
  },
  'sessionEnded = never': { en: "no copy for a session's end", zh: '不因会话结束再发' },
  'stored = true': {
    en: "another copy a while after a login, if the server's own does not come",
    zh: '登录后稍候，若服务器所存未到则再发',
  },
  'stored = false': { en: "no copy beside the server's own", zh: '服务器所存之外不再发' },
  'gap = true': { en: 'another copy, as a later message was confirmed first', zh: '后来的消息先被确认，再发一份' },
  'gap = false': { en: 'no copy for a later message that was confirmed', zh: '不因后来的消息被确认再发' },
  'silent = always': { en: 'another copy to another session', zh: '向另一会话再发一份' },
  'silent = limited': { en: 'one of a few copies to another session', zh: '向另一会话再发（次数有限）' },
  'silent = never': { en: 'no copy to another session', zh: '不向另一会话再发' },
  'ends = expired': { en: 'it expires, and its sender is told', zh: '过期，并通知发送者' },
  'ends = unconfirmed': { en: 'it ends unconfirmed, and nobody is told', zh: '未确认而结束，不通知任何人' },
};

/** A cell of the redelivery rules in words; undefined where it is not in the form of `describeCell`. */
export function cellIn(language: Language, cell: string): string | undefined {
  const [, presence = '', confirms = '', copy = '', decided = ''] =
    /^presence (\w+), confirms (\w+), last copy ([\w ]+): (.+)$/.exec(cell) ?? [];
  const { presence: seen, confirms: returns, copy: copies } = ROW[language] as Record<string, Record<string, string>>;
  const row = [seen?.[presence], returns?.[confirms], copies?.[copy]];
  const outcome = DECIDED[decided]?.[language];
  if (outcome === undefined || row.includes(undefined)) return undefined;
  return language === 'zh' ? `${row.join('，')}：${outcome}` : `${row.join(', ')}: ${outcome}`;
}
