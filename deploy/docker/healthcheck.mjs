// Whether the process of this container is alive. Node does it, since the image has neither curl nor wget.
const response = await fetch(`http://127.0.0.1:${process.env.PLEXUS_OPS_PORT}/healthz`, {
  signal: AbortSignal.timeout(2_000),
}).catch((error) => ({ ok: false, status: error.message }));
if (!response.ok) console.error(`/healthz: ${response.status}`);
process.exit(response.ok ? 0 : 1);
