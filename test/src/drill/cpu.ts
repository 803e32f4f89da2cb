export { CpuMeter, type Process } from "@plexus/deploy/load";
