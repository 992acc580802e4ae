package jujusim

import (
	"encoding/binary"
	"fmt"
)

// AppendFingerprint appends bytes that are equal for models in the same state
// and differ for others. Times (but for whether is-leader's promise holds), ids,
// results of actions that are over, how often a hook has failed and how often a
// machine was booted do not count, nor do options and the contents of the charm:
// compare models that came from one New.
func (m *Model) AppendFingerprint(b []byte) []byte {
	f := fingerprint{b}
	f.num(m.revision)
	f.num(m.nextUnit)
	f.text(m.leader)
	f.bit(m.promise.After(m.Time()))
	f.text(m.appStatus.Status)
	f.text(m.appStatus.Message)
	f.tree(m.config)
	f.num(len(m.relations))
	for _, r := range m.relations {
		f.bag(r.app)
		f.bits(r.written, r.ends)
		f.num(len(r.bags))
		for _, bag := range r.bags {
			f.text(bag.unit)
			f.bit(bag.inScope)
			f.bag(bag.data)
		}
	}
	f.num(len(m.principalApps))
	for _, a := range m.principalApps {
		f.text(a.name)
		f.num(a.next)
		f.num(a.host)
	}
	f.num(len(m.principals))
	for _, p := range m.principals {
		f.text(p.app)
		f.text(p.name)
		f.text(p.unit)
		f.bit(p.dying)
	}
	f.num(len(m.units))
	for _, u := range m.units {
		f.unit(u)
	}
	return f.b
}

type fingerprint struct{ b []byte }

func (f *fingerprint) num(n int) { f.b = binary.AppendVarint(f.b, int64(n)) }

func (f *fingerprint) text(s string) {
	f.num(len(s))
	f.b = append(f.b, s...)
}

func (f *fingerprint) bit(on bool) {
	if on {
		f.b = append(f.b, 1)
	} else {
		f.b = append(f.b, 0)
	}
}

func (f *fingerprint) bits(on ...bool) {
	for _, bit := range on {
		f.bit(bit)
	}
}

// bag writes a map, telling one that was not read (nil) from an empty one.
func (f *fingerprint) bag(m map[string]string) {
	f.bit(m != nil)
	f.num(len(m))
	for _, key := range sortedKeys(m) {
		f.text(key)
		f.text(m[key])
	}
}

func (f *fingerprint) tree(m map[string]any) {
	f.num(len(m))
	for _, key := range sortedKeys(m) {
		f.text(key)
		f.value(m[key])
	}
}

func (f *fingerprint) value(value any) {
	if sub, ok := value.(map[string]any); ok {
		f.tree(sub)
		return
	}
	f.text(fmt.Sprintf("%T %v", value, value))
}

func (f *fingerprint) list(list []string) {
	f.num(len(list))
	for _, item := range list {
		f.text(item)
	}
}

func (f *fingerprint) unit(u *unit) {
	f.text(u.name)
	f.text(u.principal)
	f.num(u.revision)
	f.bits(u.leftPrincipal, u.down, u.dying, u.installed, u.started, u.stopped, u.rebooted, u.accepted,
		u.configChanged, u.updateStatus, u.statusSet, u.queued != nil, u.failed != nil, u.hook != nil)
	if u.queued != nil {
		f.run(*u.queued)
	}
	if u.failed != nil {
		f.run(*u.failed)
	}
	f.num(len(u.actions))
	for _, a := range u.actions {
		f.text(a.name)
		f.tree(a.params)
	}
	f.num(len(u.execs))
	for _, e := range u.execs {
		f.text(e.command)
	}
	f.bag(u.state)
	f.text(u.status.Status)
	f.text(u.status.Message)
	f.text(u.version)
	f.list(u.ports)
	for i := range u.rels {
		f.membership(&u.rels[i])
	}
	if u.hook != nil {
		f.hook(u.hook)
	}
}

func (f *fingerprint) membership(s *membership) {
	f.bits(s.watched, s.inScope, s.created)
	f.text(s.changedPending)
	f.view(&s.app)
	f.num(len(s.peers))
	for i := range s.peers {
		f.view(&s.peers[i])
	}
}

func (f *fingerprint) view(v *view) {
	f.text(v.unit)
	f.bits(v.joined, v.gone, v.dirty, v.held, v.missed)
	f.bag(v.cache)
}

func (f *fingerprint) run(r Run) {
	f.num(int(r.Kind))
	f.num(int(r.step))
	f.text(r.Name)
	f.num(r.RelationID)
	f.text(r.RemoteUnit)
	f.text(r.DepartingUnit)
	f.tree(r.Params)
	f.text(r.Command)
	f.bit(r.requeued)
}

func (f *fingerprint) hook(h *Hook) {
	f.run(h.run)
	f.bits(h.minion, h.reboot, h.dirty, h.config != nil)
	f.tree(h.config)
	f.bag(h.state)
	f.list(h.opened)
	f.list(h.closed)
	for i := range h.rels {
		r := &h.rels[i]
		f.bag(r.own)
		f.bag(r.ownChanges)
		f.bag(r.app)
		f.bag(r.appChanges)
		f.bag(r.appSeen)
		f.bit(r.appDirty)
		f.num(len(r.others))
		for _, unit := range sortedKeys(r.others) {
			f.text(unit)
			f.bag(r.others[unit])
		}
	}
	if h.action != nil {
		f.tree(h.action.results)
		f.bit(h.action.failed)
		f.text(h.action.message)
		f.list(h.action.log)
	}
}
