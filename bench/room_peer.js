// The peer of room-fanout: node's socket.io telling a room lines, one by one or coalesced. PORT RATE TICK_MS (0: one by one)
const { createServer } = require('node:http');
const { Server } = require('socket.io');

const [port, rate, tick] = process.argv.slice(2).map(Number);
const http = createServer();
const room = new Server(http, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 60000, pingTimeout: 60000 }).of('/live');
let no = 0;
let waiting = [];

room.on('connection', (socket) => socket.emit('welcome', {}));

const line = () => ({
  no: ++no, at_ms: Date.now(), kind: 'said', by: { account_id: 17, name: '学员17', branch: '第3村', host: false },
  body: { message: no, text: '冬天的柑橘园要先清园，再刷白，这一步大家都记下来了。' },
});

process.stdin.on('data', () => { // go: one line of input starts the talk
  setInterval(() => {
    if (tick) waiting.push(line());
    else room.emit('tick', { no, events: [line()] });
  }, 1000 / rate);
  if (tick) setInterval(() => { if (waiting.length) room.emit('tick', { no, events: waiting.splice(0) }); }, tick);
});
http.listen(port, '127.0.0.1');
