/** What `plexus load`, the benchmarks and the drills have in common. */
export { CpuMeter, type Process } from "./cpu.js";
export { Latencies, openLoop, type Percentiles } from "./latencies.js";
export {
  encodeTexts,
  type FrameListener,
  LoadWebSocket,
  UpgradeRefused,
  type WebSocketTarget,
} from "./websocket.js";
