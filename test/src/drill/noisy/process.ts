/** The load of one tenant as a process of its own. */
import { constants, setPriority } from "node:os";
import { type Answers, answerParent } from "../../harness/child.js";
import { NoisyLoad } from "./noisy.js";
import type { NoisyOrder, QuietOrder } from "./orders.js";
import { QuietLoad } from "./quiet.js";

let quiet: QuietLoad | undefined;
let noisy: NoisyLoad | undefined;

const answers: Answers = {
  quiet: (order: QuietOrder) => {
    quiet = new QuietLoad(order);
    return quiet.prepare();
  },
  phase: ({ seconds }: { seconds: number }) => quiet!.phase(seconds),
  noisy: (order: NoisyOrder) => {
    // On the machine of the servers: what it takes of the processors is not what a neighbour takes of them.
    setPriority(constants.priority.PRIORITY_LOW);
    noisy = new NoisyLoad(order);
    return noisy.prepare();
  },
  begin: () => noisy!.begin(),
  acknowledged: () => noisy!.acknowledged,
  end: () => noisy!.end(),
  isCalm: () => noisy!.isCalm(),
  stop: () => {
    quiet?.stop();
    noisy?.stop();
  },
};

answerParent(answers);
