package simulation

// mutant is a known defect. Where it is on, code runs before a line of the
// product and does what the defective implementation does.
type mutant struct {
	name   string
	breaks string // what the rule is good for that the mutant leaves out
	file   string // of the module
	before string // what stands in that file once
	code   string
	seeds  int // a random schedule of the first so many catches it; 0: only the kept one does
}

const (
	hookFile     = "internal/rollingops/hook.go"
	scheduleFile = "internal/rollingops/schedule.go"
	stampFile    = "internal/rollingops/stamp.go"
	viewFile     = "internal/rollingops/view.go"
	databagFile  = "internal/rollingops/databag.go"
	attemptFile  = "internal/rollingops/attempt.go"
	requestFile  = "internal/rollingops/request.go"
	writeFile    = "internal/rollingops/write.go"
	planFile     = "internal/worker/plan.go"
	stepFile     = "internal/rollingops/rollout_unit.go"
	progressFile = "internal/rollout/progress.go"
)

// mutants are the defects of the implementation that this one replaces, and
// those that its own rules are there to prevent.
var mutants = []mutant{
	{
		name:   "release-over-all-units",
		breaks: "rule 2: any unit's executed_at ends the holder's grant",
		file:   scheduleFile, before: "holder, err := h.view.unit(ctx, g.unit)",
		code: `for _, name := range append(slices.Clone(members), h.m.Unit) {
			if v, err := h.view.unit(ctx, name); err != nil || g.usedBy(v) {
				return err == nil, err
			}
		}`,
		seeds: 500,
	},
	{
		name:   "release-when-idle",
		breaks: "rule 2: a holder whose databag says idle, in an old view, loses its grant",
		file:   scheduleFile, before: "return err == nil && g.usedBy(holder), err",
		code:  `if holder.state == Idle { return true, nil }`,
		seeds: 1500,
	},
	{
		name:   "raw-clocks",
		breaks: "rule 1: stamps are what the wall clock says, so that skew decides what comes after what",
		file:   stampFile, before: "if tick := after.Add(time.Microsecond); ",
		code:  `return reading`,
		seeds: 500,
	},
	{
		name:   "grant-used-at-once",
		breaks: "rule 3: a leader that grants itself runs its operation in that hook",
		file:   hookFile, before: "return h.wakeIfNeeded(ctx, again)",
		code: `if h.report.Granted == h.m.Unit {
			h.report.Attempt = h.runHead(ctx)
			h.own.executedAt = next(h.m.reading(), h.grant.at)
		}`,
		seeds: 500,
	},
	{
		name:   "unlisted-holder-is-gone",
		breaks: "rule 5: a holder that is not in relation-list (yet) loses its grant",
		file:   scheduleFile, before: "used, err := h.saysUsed(ctx, g)",
		code: `if members, err := h.view.relationList(ctx); g.unit != h.m.Unit && !slices.Contains(members, g.unit) {
			return err == nil, err
		}`,
		seeds: 500,
	},
	{
		name:   "no-goal-state",
		breaks: "rule 5: whoever relation-list names is there",
		file:   viewFile, before: "if v.goal == nil && v.goalErr == nil {",
		code:  `return true, nil`,
		seeds: 500,
	},
	{
		name:   "unknown-callback-keeps-lock",
		breaks: "rule 8: a holder whose operation nobody knows never gives the lock back",
		file:   attemptFile, before: "h.report.Attempt = h.runHead(ctx)\n\tif",
		code: `if op, ok := h.own.head(); ok && h.m.callbacks[op.CallbackID] == nil {
			return nil
		}`,
		seeds: 500,
	},
	{
		name:   "bad-databag-raises",
		breaks: "rule 7: one queue that can't be read fails the hooks of every leader",
		file:   viewFile, before: "if u.queueErr != nil {",
		code:  `if u.queueErr != nil { return unitView{}, u.queueErr }`,
		seeds: 500,
	},
	{
		name:   "worker-tries-once",
		breaks: "liveness: a juju-exec that fails is not tried again",
		file:   planFile, before: "p.Ask(now + p.pause())",
		code:  `return`,
		seeds: 1500,
	},
	{
		name:   "worker-deaf-in-call",
		breaks: "liveness: what the hook asks for that a worker's call runs is dropped",
		file:   planFile, before: "if p.wanted && p.due <= due {",
		code:  `if p.calling { return false }`,
		seeds: 500,
	},
	{
		name:   "no-rescan-on-update-status",
		breaks: "liveness: a lost worker is never replaced",
		file:   hookFile, before: "steady := context.WithoutCancel(ctx)\n\th.mendStamp()",
		code:  `if h.event.Kind == UpdateStatus { return Report{}, nil }`,
		seeds: 500,
	},
	{
		name:   "leader-skips-own-grant",
		breaks: "liveness: a leader never runs under a grant of its own that is committed",
		file:   attemptFile, before: "if !h.holdsUnused() {\n\t\treturn nil",
		code:  `if h.view.leads { return nil }`,
		seeds: 500,
	},
	{
		name:   "lock-written-before-callback",
		breaks: "rule 4: a lease that is lost during a callback takes the unit's own result with it",
		file:   hookFile, before: "if err := h.attempt(ctx); err != nil {",
		code: `if h.view.leads && h.event.Kind == LockGranted && h.holdsUnused() && h.own.state != AwaitRetryHold {
			at := h.own.executedAt
			h.own.executedAt = next(h.m.reading(), h.grant.at)
			if _, err := h.schedule(steady); err != nil {
				return h.report, err
			}
			changes, err := h.appChanges()
			if err != nil {
				return h.report, err
			}
			if err := h.m.Juju.SetApp(steady, changes); err != nil {
				return h.report, err
			}
			ended, granted := h.own.executedAt, h.grant
			h.own.executedAt, h.grant = at, h.view.grant
			if err := h.attempt(ctx); err != nil {
				return h.report, err
			}
			h.own.executedAt, h.grant, h.view.grant = ended, granted, granted
			if err := h.wakeIfNeeded(steady, 0); err != nil {
				return h.report, err
			}
			return h.report, h.write(steady)
		}`,
		seeds: 500,
	},
	{
		name:   "leadership-asked-late",
		breaks: "rule 4: is-leader is asked when the databags were read already, so that what is overwritten may be newer",
		file:   viewFile, before: "v.askedAt = v.m.Clock.SinceBoot()",
		code: `if _, err := v.m.Juju.App(ctx); err != nil {
			return err
		}
		if _, err := v.m.Juju.Unit(ctx, v.m.Unit); err != nil {
			return err
		}`,
	},
	{
		name:   "leadership-asked-again",
		breaks: "rule 4: a leader that was away for long asks is-leader again and writes what it decided before",
		file:   writeFile, before: "if h.m.Clock.SinceBoot()-h.view.askedAt > LeaseMargin {",
		code: `if leads, err := h.m.Juju.IsLeader(ctx); err == nil && leads {
			return h.m.Juju.SetApp(ctx, app)
		}`,
		seeds: 1000,
	},
	{
		name:   "no-lease-margin",
		breaks: "rule 4: a leader writes however long ago it asked is-leader",
		file:   writeFile, before: "if h.m.Clock.SinceBoot()-h.view.askedAt > LeaseMargin {",
		code:  `return h.m.Juju.SetApp(ctx, app)`,
		seeds: 500,
	},
	{
		name:   "grant-used-twice",
		breaks: "rule 6: a holder runs again under a grant that it has used",
		file:   attemptFile, before: "return h.grant.heldBy(h.m.Unit) && !h.grant.usedBy(h.own)",
		code:  `return h.grant.heldBy(h.m.Unit)`,
		seeds: 500,
	},
	{
		name:   "leaving-leader-keeps-grant",
		breaks: "rule 5: a leader that leaves grants itself the lock",
		file:   scheduleFile, before: "if h.own.waits() && !h.event.Leaving {",
		code:  `if h.event.Leaving && h.own.waits() { found = append(found, h.own) }`,
		seeds: 500,
	},
	{
		name:   "holder-not-watched",
		breaks: "liveness: a leader does not look again at the unit that holds the lock",
		file:   scheduleFile, before: "delay := time.Duration(0)",
		code:  `if h.view.leads { return }`,
		seeds: 500,
	},
	{
		name:   "late-leader-sleeps",
		breaks: "liveness: a leader that was too late to write is not brought back",
		file:   writeFile, before: "h.wake(ctx, h.lateAfter())\n\t\treturn nil",
		code:  `return nil`,
		seeds: 1500,
	},
	{
		name:   "clear-queue-resets-stamp",
		breaks: "rule 1: an operator who clears a queue takes executed_at back, so that an old view ends the next grant",
		file:   requestFile, before: "dropped := h.own.queue.Len()",
		code: `if !h.grant.heldBy(h.m.Unit) {
			h.own.executedAt, h.own.foreign = codec.Timestamp{}, false
		}`,
		seeds: 500,
	},
	{
		name:   "clear-queue-resets-holders-stamp",
		breaks: "rule 6: an operator who clears the holder's queue has it use its grant again",
		file:   requestFile, before: "dropped := h.own.queue.Len()",
		code: `if h.grant.heldBy(h.m.Unit) {
			h.own.executedAt, h.own.foreign = codec.Timestamp{}, false
		}`,
		seeds: 500,
	},
	{
		name:   "foreign-stamp-counts",
		breaks: "rule 1: a stamp that no unit can have written ends a grant",
		file:   stampFile, before: "at, err := codec.ParseTimestamp(text)",
		code: `if at, err := codec.ParseTimestamp(text); err == nil {
			return at, false
		}`,
		seeds: 500,
	},
	{
		name:   "stamp-in-one-copy",
		breaks: "rule 1: executed_at is what somebody else has put back",
		file:   databagFile, before: "v.executedAt = later(at, secondAt)",
		code:  `secondAt, copied = at, false`,
		seeds: 500,
	},
	{
		name:   "ready-and-idle",
		breaks: "rollouts, ask first: a unit that is ready says idle, so that a v1 leader takes the lock from it",
		file:   stepFile, before: "switch {\n\tcase h.view.rolls.err == nil && record.Active()",
		code:  `return`,
		seeds: 500,
	},
	{
		name:   "paused-step-begins",
		breaks: "rollouts, run: a unit begins its step though it has read that the rollout is paused or aborted",
		file:   stepFile, before: "switch {\n\tcase h.rolls.err != nil:\n\t\treturn h.rolls.err",
		code:  `record.State = rollout.Running`,
		seeds: 500,
	},
	{
		name:   "step-grant-stays",
		breaks: "rollouts, grant with the step: the mark of a step's grant is used again for the next grant",
		file:   scheduleFile, before: "h.report.Granted = first.name",
		code: `if h.view.rolls.grant.ID != 0 && !first.rolling {
			h.rolls.grant = rollout.Grant{At: h.grant.at, ID: h.view.rolls.grant.ID}
		}`,
		seeds: 500,
	},
	{
		name:   "round-ignored",
		breaks: "rollouts: a unit that has failed gets no other turn when the rollout is resumed",
		file:   "internal/rollout/step.go", before: "return s.in(r, StepFailed)",
		code:  `return s.in(r, StepFailed)`,
		seeds: 500,
	},
	{
		name:   "overtaking",
		breaks: "rollouts: later units go although the first one has not answered",
		file:   progressFile, before: "for _, n := range order {",
		code: `for _, n := range order {
			if phase(n) == PhaseReady {
				return n, true, true
			}
		}`,
		seeds: 500,
	},
	{
		name:   "one-failure-more",
		breaks: "rollouts: one unit more may fail than max-failures says",
		file:   progressFile, before: "return t.Failing+t.Failed <= r.MaxFailures",
		code: `return t.Failing+t.Failed <= r.MaxFailures+1`,
	},
	{
		name:   "aborted-retry-runs",
		breaks: "rollouts, run: a retry runs though its rollout was aborted",
		file:   stepFile, before: "record := h.rolls.record\n\treturn h.stepHead()",
		code:  `return false`,
		seeds: 500,
	},
	{
		name:   "fails-in-old-round",
		breaks: "rollouts, run: a unit fails in the round in which it answered, and is tried again at once",
		file:   stepFile, before: "if record := h.view.rolls.record; h.view.rolls.err == nil && record.ID == h.own.step.ID {",
		code:  `return`,
		seeds: 500,
	},
	{
		name:   "awaited-not-watched",
		breaks: "liveness: a leader does not look again at a unit that has not answered a rollout",
		file:   scheduleFile, before: "other := cmp.Or(h.grant.unit, h.awaited)",
		code: `h.awaited = ""`,
	},
}
