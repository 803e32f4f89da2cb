/** The option declarations of every process, from the compiled programs: packages of one layer do not import each other. */
import type { OptionDeclarations } from "@plexus/runtime";

export interface ProcessOptions {
  /** Heading of its section. */
  readonly process: string;
  readonly about: string;
  readonly options: OptionDeclarations;
}

const repository = new URL("../../../", import.meta.url);

export async function processOptions(): Promise<ProcessOptions[]> {
  const read = async (file: string, name: string): Promise<OptionDeclarations> => {
    const module = (await import(new URL(file, repository).href)) as Record<string, OptionDeclarations>;
    const declared = module[name];
    if (declared === undefined) throw new Error(`${file} does not export ${name}`);
    return declared;
  };
  return [
    {
      process: "Worker",
      about: "`node cells/dist/main.js`: one worker of one cell.",
      options: await read("cells/dist/options.js", "workerOptions"),
    },
    {
      process: "Gateway",
      about: "`node gateway/dist/main.js`: one gateway.",
      options: await read("gateway/dist/options.js", "gatewayOptions"),
    },
    {
      process: "Admin API",
      about: "`node deploy/dist/admin/main.js`: the admin API.",
      options: await read("deploy/dist/admin/options.js", "adminOptions"),
    },
    {
      process: "Lifecycle events and webhooks",
      about:
        "`node deploy/dist/hooks/main.js`: writes events that follow from others, and delivers webhooks.",
      options: await read("deploy/dist/hooks/options.js", "hooksOptions"),
    },
  ];
}
