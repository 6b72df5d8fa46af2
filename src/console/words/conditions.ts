import type { Language } from './language.ts';

/** One sentence of what is wrong, or worth a look, and the language that it is in. */
export interface Sentence {
  readonly text: string;
  readonly lang: Language;
}

type Said = readonly [pattern: RegExp, zh: string];

/** Its rest is a sentence of its own. */
const PREFIXES: readonly Said[] = [
  [/^No link to the XMPP server: (.+)$/s, '与 XMPP 服务器没有连接：'],
  // A master of a cluster.
  [/^(\S+:\d+): (?=Redis )(.+)$/s, '$1：'],
];

/** Sentences of `/readyz`, without the full stop; `$1` is the first group of the pattern. */
const SENTENCES: readonly Said[] = [
  // The link (src/health/readiness.ts, src/xmpp/connection).
  [
    /^Another process is connected to the XMPP server, and this one stands by$/,
    '另一个进程已连接到 XMPP 服务器，本进程待命',
  ],
  [/^connecting$/, '正在连接'],
  [
    /^The XMPP server does not answer: it hangs or is overloaded, or the network to it is cut$/,
    'XMPP 服务器没有应答：它挂起或过载，或网络已断',
  ],
  [/^Messages wait$/, '消息在等待'],
  [
    /^The server refused the secret for (\S+): XMPP_COMPONENT_SECRET must be what is set there \(.*\)$/,
    '服务器拒绝了 $1 的密钥：XMPP_COMPONENT_SECRET 必须与服务器上所设的一致（Openfire：服务器 > 服务器设置 > 外部组件，或属性 xmpp.component.defaultSecret）',
  ],
  [
    /^The server refused (\S+): another connection holds this domain, or it is not permitted or has no secret there \(.*\)$/,
    '服务器拒绝了 $1：另一个连接占用了该域名，或该域名未获许可，或在服务器上没有密钥（Openfire：服务器 > 服务器设置 > 外部组件）',
  ],
  [
    /^Or is it the clients' port \(5222\), and not the component port \(5275\)\?$/,
    '或者这是客户端的端口（5222），而不是组件的端口（5275）？',
  ],
  [/^(\S+) closed the connection without a word of XMPP$/, '$1 关闭了连接，没有说任何 XMPP'],
  [
    /^Does this port take TLS at once\? If it does not, XMPP_SERVICE begins with xmpp:\/\/$/,
    '该端口是否直接使用 TLS？若否，XMPP_SERVICE 应以 xmpp:// 开头',
  ],
  [
    /^Is this the port for components \(Openfire: 5275\)\? If it is one with TLS \(5276\), XMPP_SERVICE begins with xmpps:\/\/$/,
    '这是组件的端口吗（Openfire：5275）？若是 TLS 端口（5276），XMPP_SERVICE 应以 xmpps:// 开头',
  ],
  [
    /^The server does not take components on this port \(([^)]*)\): .* See XMPP_SERVICE$/,
    '服务器在该端口不接受组件（$1）：这是组件的端口（Openfire：5275）而不是客户端的端口（5222）吗？见 XMPP_SERVICE',
  ],
  [/^The server closed the stream$/, '服务器关闭了流'],
  [/^The server closed the connection$/, '服务器关闭了连接'],
  [/^The server closed the stream: (.*)$/s, '服务器关闭了流：$1'],
  [/^The server reset the connection \((\w+)\)$/, '服务器重置了连接（$1）'],
  [/^The connection failed: (.*)$/s, '连接失败：$1'],
  [
    /^TLS did not come about: does the server speak it on this port\? If it does not, XMPP_SERVICE begins with xmpp:\/\/$/,
    '未能建立 TLS：服务器在该端口使用 TLS 吗？若否，XMPP_SERVICE 应以 xmpp:// 开头',
  ],
  [/^(\S+) did not accept a connection in time$/, '$1 未及时接受连接'],
  [/^(\S+) did not open the stream in time$/, '$1 未及时打开流'],
  [/^(\S+) did not answer the handshake in time$/, '$1 未及时应答握手'],
  [/^What the server sent cannot be read: (.*)$/s, '无法解析服务器发来的内容：$1'],
  [/^The server has not answered a ping for (\d+) s$/, '服务器已有 $1 秒没有应答 ping'],
  [/^The server has not answered a ping for (\d+) s, though it writes$/, '服务器已有 $1 秒没有应答 ping，虽然仍在发送'],
  [/^The link was (?:stopped|closed|cut)$/, '连接已由本进程结束'],

  // The domain.
  [
    /^The XMPP server does not know (\S+) \((.*?)\): XMPP_SERVED_DOMAIN must be its own domain, as its users' addresses have it$/s,
    'XMPP 服务器不认识 $1（$2）：XMPP_SERVED_DOMAIN 必须是它自己的域名，与其用户地址中的一致',
  ],
  [/^The link is up, and the server's first answer is awaited$/, '已连接，正在等待服务器的第一个应答'],
  [/^The server takes what (\S+) sends and answers nothing$/, '服务器收下 $1 发送的内容，却没有任何应答'],
  [
    /^Is (\S+) a subdomain of the server's own domain, and is that (\S+) \(XMPP_COMPONENT_DOMAIN, XMPP_SERVED_DOMAIN\)\?$/,
    '$1 是服务器自己域名的子域名吗？该域名是 $2 吗（XMPP_COMPONENT_DOMAIN、XMPP_SERVED_DOMAIN）？',
  ],
  [
    /^(\S+) is not ours alone: another proxy, with another Redis or REDIS_PREFIX, holds it as well, .*$/,
    '$1 并非我们独有：另一个使用其他 Redis 或 REDIS_PREFIX 的代理也占用它，服务器把一部分消息和回执交给它，这部分会丢失',
  ],
  [
    /^(\S+) is not ours alone: another component, or an older version of this proxy, holds it as well, .*$/,
    '$1 并非我们独有：另一个组件或本代理的旧版本也占用它，服务器把一部分消息和回执交给它，这部分会丢失',
  ],
  [/^Stop it, or give it another XMPP_COMPONENT_DOMAIN$/, '请停掉它，或给它另一个 XMPP_COMPONENT_DOMAIN'],

  // Redis (src/store/redis/redis-faults.ts, server-setup.ts).
  [/^Redis does not answer: it hangs, or the network to it does$/, 'Redis 没有应答：它挂起，或网络不通'],
  [/^Redis has not been reached yet$/, '尚未连上 Redis'],
  [/^Redis cannot be reached$/, '无法连接 Redis'],
  [
    /^It goes on by itself when it is back; check REDIS_URL if it never was there$/,
    '恢复后会自动继续；若从未连上，请检查 REDIS_URL',
  ],
  [/^The proxy may not use Redis' Unix socket$/, '代理无权使用 Redis 的 Unix 套接字'],
  [
    /^Add its user to the socket's group, and set unixsocketperm 770 in redis\.conf$/,
    '请把它的用户加入该套接字所属的组，并在 redis.conf 中设置 unixsocketperm 770',
  ],
  [/^Redis is a read-only replica$/, 'Redis 是只读副本'],
  [
    /^REDIS_URL must lead to the primary; if it was just demoted, the connection is made anew$/,
    'REDIS_URL 必须指向主节点；若它刚被降级，会重新连接',
  ],
  [/^Redis is still loading its data from disk$/, 'Redis 仍在从磁盘加载数据'],
  [/^It goes on by itself when (?:that is done|they do)$/, '之后会自动继续'],
  [/^Redis is a replica that has lost its primary$/, 'Redis 是与主节点失去联系的副本'],
  [/^REDIS_URL must lead to the primary$/, 'REDIS_URL 必须指向主节点'],
  [
    /^The ledger in Redis is of another format, or has another number of shards$/,
    'Redis 中账本的格式不同，或分片数不同',
  ],
  [/^Start the proxy anew: it says what to set$/, '请重新启动代理，它会说明如何设置'],
  [/^Redis is full: it has reached its maxmemory$/, 'Redis 已满：达到了 maxmemory'],
  [
    /^Give it more memory \(maxmemory\), or wait until receipts have freed some$/,
    '请给它更多内存（maxmemory），或等回执释放一些',
  ],
  [/^Redis cannot write to its disk and refuses writes \(MISCONF\)$/, 'Redis 无法写入磁盘，拒绝写操作（MISCONF）'],
  [/^Look at its log and at the disk: space, permissions$/, '请查看其日志和磁盘：空间、权限'],
  [
    /^Redis has too few replicas \(min-replicas-to-write\) and refuses writes$/,
    'Redis 的副本太少（min-replicas-to-write），拒绝写操作',
  ],
  [/^Bring the replicas back, or lower the setting$/, '请恢复副本，或降低该设置'],
  [
    /^Redis does not keep messages as DURABILITY demands: too few replicas confirm in time, or its disk does not$/,
    'Redis 未按 DURABILITY 的要求保存消息：及时确认的副本太少，或磁盘未及时确认',
  ],
  [/^Bring the replicas back, look at the disk, or lower the setting$/, '请恢复副本、检查磁盘，或降低该设置'],
  [/^Redis refuses the password$/, 'Redis 拒绝了密码'],
  [
    /^Set user and password in REDIS_URL \(redis:\/\/user:password@host\)$/,
    '请在 REDIS_URL 中设置用户名和密码（redis://user:password@host）',
  ],
  [/^Redis forbids a command to the user of REDIS_URL \(ACL\)$/, 'Redis 禁止 REDIS_URL 的用户使用某个命令（ACL）'],
  [/^Allow what docs\/operations\.md lists$/, '请允许 docs/operations.md 所列的命令'],
  [
    /^Redis forbids the user of REDIS_URL, or does not know: (.*)$/,
    'Redis 禁止 REDIS_URL 的用户使用下列命令，或不认识它们：$1',
  ],
  [/^Set its ACL as docs\/operations\.md has it$/, '请按 docs/operations.md 设置其 ACL'],
  [/^Redis is busy with a script that does not end$/, 'Redis 忙于一个不结束的脚本'],
  [
    /^Another program on the same Redis may have started it \(SCRIPT KILL ends it\)$/,
    '可能由同一 Redis 上的其他程序启动（SCRIPT KILL 可结束它）',
  ],
  [/^A part of the Redis Cluster takes no writes \((.*)\)$/, 'Redis Cluster 的一部分不接受写入（$1）'],
  [
    /^The Redis Cluster does not serve a slot that is needed: .*; it goes on by itself then$/,
    'Redis Cluster 没有提供所需的槽：它的一部分已停，或该槽正在主节点之间迁移；之后会自动继续',
  ],
  [/^Its nodes are to be named in REDIS_CLUSTER$/, '它的节点应写在 REDIS_CLUSTER 中'],
  [/^REDIS_CLUSTER names a Redis that is not in cluster mode$/, 'REDIS_CLUSTER 所指的 Redis 不处于集群模式'],
  [/^Name it in REDIS_URL instead, and leave REDIS_CLUSTER out$/, '请改写在 REDIS_URL 中，并去掉 REDIS_CLUSTER'],
  [/^Redis has no database of the number that REDIS_URL ends with$/, 'Redis 没有 REDIS_URL 末尾所写编号的数据库'],
  [/^Leave it out, or raise "databases" in redis\.conf$/, '请去掉该编号，或在 redis.conf 中增大 databases'],
  [/^Redis has as many clients as it may \(maxclients\)$/, 'Redis 的客户端数已达上限（maxclients）'],
  [/^Raise it, or close other connections$/, '请增大上限，或关闭其他连接'],
  [/^Redis does not know a command that is needed$/, 'Redis 不认识所需的某个命令'],
  [/^It must be Redis 6\.2 or newer, with no command renamed$/, '必须是 Redis 6.2 或更新版本，且没有命令被改名'],
  [/^Redis rejects a call of ours for what is in it$/, 'Redis 因内容拒绝了我们的一个调用'],
  [/^The log has the error; please report it$/, '错误在日志中；请报告'],
  [
    /^No Redis Sentinel says where the primary is \(REDIS_SENTINELS, REDIS_MASTER_NAME\)$/,
    '没有 Redis Sentinel 说明主节点在哪里（REDIS_SENTINELS、REDIS_MASTER_NAME）',
  ],
  [
    /^No Redis Sentinel says where the primary is \(REDIS_SENTINELS, REDIS_MASTER_NAME\): they know none of that name$/,
    '没有 Redis Sentinel 说明主节点在哪里（REDIS_SENTINELS、REDIS_MASTER_NAME）：它们不认识这个名称',
  ],
  [
    /^No Redis Sentinel says where the primary is \(REDIS_SENTINELS, REDIS_MASTER_NAME\): they want another REDIS_SENTINEL_PASSWORD$/,
    '没有 Redis Sentinel 说明主节点在哪里（REDIS_SENTINELS、REDIS_MASTER_NAME）：需要另一个 REDIS_SENTINEL_PASSWORD',
  ],
  [/^Redis wants a certificate of the proxy, or another one$/, 'Redis 要求代理出示证书，或另一个证书'],
  [/^Set REDIS_TLS_CERT and REDIS_TLS_KEY$/, '请设置 REDIS_TLS_CERT 和 REDIS_TLS_KEY'],
  [/^Redis' certificate is not trusted \((.*)\)$/s, 'Redis 的证书不受信任（$1）'],
  [/^Set REDIS_TLS_CA to the one that signed it$/, '请将 REDIS_TLS_CA 设为签发它的证书'],
  [
    /^Redis may throw away acknowledged messages: its maxmemory-policy is "(.*)"$/,
    'Redis 可能丢弃已确认的消息：其 maxmemory-policy 为“$1”',
  ],
  [/^Set "(maxmemory-policy noeviction|appendonly yes)"$/, '请设置 $1'],
  [
    /^Redis keeps nothing on disk: all pending messages are lost when it restarts$/,
    'Redis 不写磁盘：重启后所有待处理的消息都会丢失',
  ],
  [
    /^Redis writes to disk only now and then: a crash loses the messages since its last snapshot$/,
    'Redis 只是不时写磁盘：崩溃会丢失上次快照以来的消息',
  ],
  [
    /^Redis may lose the last second of acknowledged messages when its machine crashes \(appendfsync (\w+)\)$/,
    'Redis 所在机器崩溃时，可能丢失最后一秒已确认的消息（appendfsync $1）',
  ],
  [/^Set "appendfsync always" to rule that out$/, '要排除这种情况，请设置 appendfsync always'],
  [/^Redis does not let us see how it is set up$/, 'Redis 不让我们查看它的设置'],
  [
    /^Allow the command INFO to the user of REDIS_URL, or see yourself that its maxmemory-policy is noeviction$/,
    '请允许 REDIS_URL 的用户使用 INFO 命令，或自行确认其 maxmemory-policy 为 noeviction',
  ],
  [
    /^Redis uses (\d+) % of its memory \(maxmemory\): new messages are refused, so that receipts can be taken$/,
    'Redis 已用内存的 $1 %（maxmemory）：为能收下回执，拒绝新消息',
  ],
  [
    /^Redis uses (\d+) % of its memory \(maxmemory\); at (\d+) % new messages are refused$/,
    'Redis 已用内存的 $1 %（maxmemory）；到 $2 % 时拒绝新消息',
  ],
  [
    /^Give it more, or let the command "Heaviest senders" show who takes it$/,
    '请给它更多内存，或用命令 Heaviest senders 查看谁占用最多',
  ],
  [
    /^A newer version has written what is in Redis \(format (\d+); this one knows up to (\d+)\)$/,
    'Redis 中的数据由更新的版本写入（格式 $1；本版本只到 $2）',
  ],
  [/^Start that version again, or name another REDIS_PREFIX$/, '请重新启动那个版本，或使用另一个 REDIS_PREFIX'],

  // The ledger (src/health/ledger-identity.ts) and the queues.
  [
    /^Redis has lost its data: it was emptied, or came back without them$/,
    'Redis 丢失了数据：它被清空，或恢复后没有数据',
  ],
  [
    /^Messages that were acknowledged and pending are gone; see "Loss of the ledger" in docs\/operations\.md$/,
    '已确认而待处理的消息已丢失；见 docs/operations.md 的 Loss of the ledger',
  ],
  [/^Redis is another one than before, with another ledger in it$/, 'Redis 不是原来的那一个，其中是另一个账本'],
  [
    /^Messages that are pending in the former are not sent; check where REDIS_URL leads$/,
    '原来那一个里待处理的消息不会发送；请检查 REDIS_URL 指向何处',
  ],
  [
    /^The ledger in Redis cannot be looked at, or taken over: something there is damaged$/,
    'Redis 中的账本无法查看或接管：其中有数据已损坏',
  ],
  [
    /^The log has the error of Redis; nothing is stored until that is mended$/,
    '日志中有 Redis 的错误；修复之前不存储任何消息',
  ],
  [/^Redis has gone back to an older copy of its data$/, 'Redis 退回到了较旧的数据副本'],
  [
    /^Messages that were acknowledged since may be gone; see "Loss of the ledger" in docs\/operations\.md$/,
    '此后确认的消息可能已丢失；见 docs/operations.md 的 Loss of the ledger',
  ],
  [
    /^An older copy of the data in Redis was restored, which was found (\S+); messages that were pending in it: (\d+)$/,
    'Redis 中恢复了较旧的数据副本，于 $1 发现；其中待处理的消息：$2 条',
  ],
  [
    /^They are being ended, as an administrator has said; give the command "Restored ledger" again should this stay$/,
    '按管理员的指示正在结束它们；若一直如此，请再次执行命令 Restored ledger',
  ],
  [
    /^None is sent again, and no sender is told, until you say whether they are to be sent or ended: by the command "Restored ledger", or at \/api\/restored$/,
    '在您决定发送还是结束它们之前，一条也不会重发，也不通知发送者：用命令 Restored ledger，或 /api/restored',
  ],
  [/^Without a word they end (\S+)$/, '若不作决定，它们于 $1 结束'],
  [
    /^What is overdue is not looked for, so that nothing is sent again and nothing ends: (.*)$/,
    '没有查找到期的消息，因此既不重发也不结束：$1',
  ],
  [/^Paused in the queue library: (.*)$/, '队列库中已暂停：$1'],
  [
    /^What is in there is not sent again until somebody presses Resume on \/queues; the command "Pause redelivery" is the way to pause$/,
    '其中的消息在有人于 /queues 按下 Resume 之前不会再发送；要暂停请用命令 Pause redelivery',
  ],

  // The gate (src/health/gate-readiness.ts).
  [
    /^(\d+) messages? ha(?:s|ve) passed the gate unheld lately, the last of which we were told at (\S+): not stored, not acknowledged, not sent again$/,
    '最近有 $1 条消息未经网关扣留而通过，最后一条于 $2 得知：未存储、未确认、不会重发',
  ],
  [/^The log lists them \("Messages passed unheld"\)$/, '日志中列有它们（Messages passed unheld）'],
  [/^The gate of (\S+) is asked, and its answer is awaited$/, '已询问 $1 的网关，正在等待应答'],
  [
    /^(\S+) has no gate \((.*)\): install the plugin in Openfire, or load mod_receipts_gate in Prosody for \S+$/s,
    '$1 没有网关（$2）：请在 Openfire 中安装插件，或在 Prosody 中为它加载 mod_receipts_gate',
  ],
  [
    /^The gate of (\S+) takes another component \((.*)\): set plugin\.receipts\.component in Openfire, or receipts_component in Prosody, to (\S+)$/s,
    '$1 的网关只接受另一个组件（$2）：请将 Openfire 的 plugin.receipts.component 或 Prosody 的 receipts_component 设为 $3',
  ],
  [/^The gate of (\S+) does not work here \((.*)\)$/s, '$1 的网关在这里无法工作（$2）'],
  [
    /^No gate of (\S+) holds messages for us \((.*)\): see that the plugin or the module is loaded, and the server's log$/s,
    '$1 没有网关为我们扣留消息（$2）：请确认插件或模块已加载，并查看服务器日志',
  ],
  [/^The gate of (\S+) holds no messages now: (.*)$/s, '$1 的网关现在不扣留消息：$2'],
  [/^It is asked again every few seconds$/, '每隔几秒会再次询问'],
  [
    /^Until then messages between users' own addresses pass, and are not stored$/,
    '在此之前，用户之间写给自己地址的消息直接通过，不会存储',
  ],
  [
    /^The gate (\S+) speaks version (\d+) of the protocol, and this component (\d+): update the plugin$/,
    '网关 $1 使用协议版本 $2，而本组件使用 $3：请更新插件',
  ],
  [
    /^The gate (\S+) cannot see what clients acknowledge by stream management in this version of the server: it pings them instead$/,
    '在这个版本的服务器中，网关 $1 看不到客户端通过流管理确认了什么，于是改用 ping',
  ],
  [/^Look for a newer plugin$/, '请查找更新的插件'],
];

function inChinese(sentence: string): string | undefined {
  for (const [pattern, zh] of PREFIXES) {
    const rest = pattern.exec(sentence)?.at(-1);
    const said = rest === undefined ? undefined : inChinese(rest);
    if (said !== undefined) return sentence.replace(pattern, zh) + said;
  }
  const found = SENTENCES.find(([pattern]) => pattern.test(sentence));
  return found && sentence.replace(found[0], found[1]);
}

const SINCE = / \(since (\S+)\)\.?$/;

/**
 * A text of `/readyz` in the language of the page, a sentence at a time: one that is not known stays in English.
 */
export function conditionIn(language: Language, text: string): Sentence[] {
  if (language === 'en') return [{ text, lang: 'en' }];
  const since = SINCE.exec(text)?.[1];
  const said = text
    .replace(SINCE, '')
    .split(/(?<=\.) (?=[A-Z\d])/)
    .map((sentence): Sentence => {
      const zh = inChinese(sentence.replace(/\.$/, ''));
      return zh === undefined ? { text: sentence, lang: 'en' } : { text: zh.replace(/(?<!？)$/, '。'), lang: 'zh' };
    });
  return since === undefined ? said : [...said, { text: `（自 ${since} 起）`, lang: 'zh' }];
}
