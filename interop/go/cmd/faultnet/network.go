package main

import (
	"container/heap"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"
)

const ipv4HeaderBytes = 20

type linkKey struct{ from, to netip.Addr }

// delivery is a packet under way.
type delivery struct {
	due    time.Time
	seq    uint64
	key    linkKey
	packet []byte
}

type deliveryHeap []delivery

func (h deliveryHeap) Len() int { return len(h) }
func (h deliveryHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
	}
	return h[i].due.Before(h[j].due)
}
func (h deliveryHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *deliveryHeap) Push(x any)   { *h = append(*h, x.(delivery)) }
func (h *deliveryHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = delivery{}
	*h = (*h)[:last]
	return d
}

// network joins the devices. Packets to addresses without a device are dropped and counted.
type network struct {
	seed       uint64
	mu         sync.Mutex
	devices    map[netip.Addr]*os.File
	links      map[linkKey]*link
	queue      deliveryHeap
	seq        uint64
	unroutable uint64
	wake       chan struct{}
	done       chan struct{}
}

func newNetwork(seed uint64) *network {
	n := &network{
		seed:    seed,
		devices: map[netip.Addr]*os.File{},
		links:   map[linkKey]*link{},
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	go n.deliverLoop()
	return n
}

// attach makes the device and its links to and from every other device.
func (n *network) attach(namespace, device string, prefix netip.Prefix) error {
	addr := prefix.Addr()
	if !addr.Is4() {
		return fmt.Errorf("%v is not an IPv4 address", addr)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, taken := n.devices[addr]; taken {
		return fmt.Errorf("%v is attached already", addr)
	}
	file, err := openDevice(namespace, device, prefix)
	if err != nil {
		return err
	}
	for other := range n.devices {
		n.links[linkKey{addr, other}] = newLink(n.seed, addr, other)
		n.links[linkKey{other, addr}] = newLink(n.seed, other, addr)
	}
	n.devices[addr] = file
	go n.readLoop(addr, file)
	return nil
}

func (n *network) detach(addr netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	file, ok := n.devices[addr]
	if !ok {
		return fmt.Errorf("%v is not attached", addr)
	}
	delete(n.devices, addr)
	for key := range n.links {
		if key.from == addr || key.to == addr {
			delete(n.links, key)
		}
	}
	return file.Close()
}

func (n *network) close() {
	close(n.done)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, file := range n.devices {
		_ = file.Close()
	}
}

// readLoop takes what the namespace sends until its device is closed.
func (n *network) readLoop(from netip.Addr, file *os.File) {
	buffer := make([]byte, 1<<16)
	for {
		size, err := file.Read(buffer)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				fmt.Fprintf(os.Stderr, "faultnet: reading from the device of %v ended: %v\n", from, err)
			}
			return
		}
		if size < ipv4HeaderBytes || buffer[0]>>4 != 4 {
			continue // IPv6 neighbour discovery and the like
		}
		to := netip.AddrFrom4([4]byte(buffer[16:20]))
		n.send(linkKey{from, to}, buffer[:size])
	}
}

func (n *network) send(key linkKey, packet []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, ok := n.links[key]
	if !ok {
		n.unroutable++
		return
	}
	now := time.Now()
	for _, due := range l.plan(now, len(packet)) {
		if !due.After(now) && l.queuedBytes == 0 {
			n.deliver(l, key.to, packet)
			continue
		}
		n.seq++
		l.queuedBytes += len(packet)
		heap.Push(&n.queue, delivery{due: due, seq: n.seq, key: key, packet: append([]byte(nil), packet...)})
		if n.queue[0].seq == n.seq {
			n.wakeUp()
		}
	}
}

func (n *network) wakeUp() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// deliver writes without blocking: a full device queue drops, as a full network card would.
func (n *network) deliver(l *link, to netip.Addr, packet []byte) {
	file, ok := n.devices[to]
	if !ok {
		return
	}
	if _, err := file.Write(packet); err != nil {
		l.counters.Overflowed++
		return
	}
	l.counters.Delivered++
	l.counters.DeliveredBytes += uint64(len(packet))
}

// deliverLoop hands over packets when they are due.
func (n *network) deliverLoop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(n.deliverDue())
		select {
		case <-n.done:
			return
		case <-n.wake:
		case <-timer.C:
		}
	}
}

// deliverDue returns how long nothing will be due. A link blocked meanwhile loses what was under way.
func (n *network) deliverDue() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.queue) > 0 {
		wait := time.Until(n.queue[0].due)
		if wait > 0 {
			return wait
		}
		d := heap.Pop(&n.queue).(delivery)
		l, ok := n.links[d.key]
		if !ok {
			continue
		}
		l.queuedBytes -= len(d.packet)
		if l.blocked {
			l.counters.Blocked++
			continue
		}
		n.deliver(l, d.key.to, d.packet)
	}
	return time.Hour
}

// each calls f for every link from one of froms to one of tos; an empty list stands for all.
func (n *network) each(froms, tos []netip.Addr, f func(*link)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, addr := range append(append([]netip.Addr{}, froms...), tos...) {
		if _, ok := n.devices[addr]; !ok {
			return fmt.Errorf("%v is not attached", addr)
		}
	}
	for key, l := range n.links {
		if holds(froms, key.from) && holds(tos, key.to) {
			f(l)
		}
	}
	return nil
}

func holds(list []netip.Addr, addr netip.Addr) bool {
	if len(list) == 0 {
		return true
	}
	for _, a := range list {
		if a == addr {
			return true
		}
	}
	return false
}
