import { useEffect, useState } from "preact/hooks";

/** The wall clock, a second at a time. */
export function useNow(isNeeded = true): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isNeeded) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isNeeded]);
  return now;
}
