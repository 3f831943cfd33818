// node run.mjs IMAGE: runs a raw image in SRAM; UART0 is standard input and output. Ends when standard input does.
//
// The emulated time advances by what instructions take, never by the host's clock, and input is fed only while the UART is empty.
// What the firmware measures is therefore the same in every run.
import fs from 'node:fs';
import { Simulator } from 'rp2040js';

const SRAM_START = 0x20000000;
const IMAGE_START = 0x20002000; // rp2040_sram.ld: the stack lies below
const NANOSECONDS_PER_CYCLE = 8; // 125 MHz
const INSTRUCTIONS_PER_TURN = 100_000; // between looks at standard input

const { clock, rp2040: chip } = new Simulator();
const { core } = chip;
const uart = chip.uart[0];
const complain = (...text) => console.error(...text);
chip.logger = { debug() {}, info() {}, warn: complain, error: complain };
chip.sram.set(fs.readFileSync(process.argv[2]), IMAGE_START - SRAM_START);
core.VTOR = IMAGE_START;
core.reset();

const input = []; // chunks that have arrived
let fed = 0; // bytes of input[0] that the UART has
const output = []; // bytes that the UART has sent

function feed() {
  while (input.length > 0 && !uart.rxFIFO.full) {
    uart.feedByte(input[0][fed++]);
    if (fed === input[0].length) {
      input.shift();
      fed = 0;
    }
  }
}

function sendOutput() {
  if (output.length > 0) {
    process.stdout.write(Buffer.from(output));
    output.length = 0;
  }
}

let scheduled = false;
function schedule() {
  if (!scheduled) {
    scheduled = true;
    setImmediate(run);
  }
}

// Runs until the firmware waits for input that has not arrived; what arrives next goes on.
function run() {
  scheduled = false;
  for (let i = 0; i < INSTRUCTIONS_PER_TURN; i++) {
    if (uart.rxFIFO.empty && input.length > 0) {
      feed();
    }
    if (core.waiting) {
      if (uart.rxFIFO.empty) {
        sendOutput();
        return;
      }
      core.waiting = false; // WFI may end at any time; the UART's interrupt may have been pending before it began
    }
    clock.tick(core.executeInstruction() * NANOSECONDS_PER_CYCLE);
  }
  sendOutput();
  schedule();
}

chip.onBreak = () => {
  sendOutput();
  complain('the firmware has stopped at', core.PC.toString(16));
  process.exit(1);
};
uart.onByte = (byte) => output.push(byte);
process.stdout.on('error', () => process.exit(0)); // whoever listened has gone
process.stdin.on('end', () => process.exit(0));
process.stdin.on('data', (data) => {
  input.push(data);
  schedule();
});
schedule();
