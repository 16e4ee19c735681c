package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	namespaceFolder = "/var/run/netns"
	mtuBytes        = 1500
)

// openDevice makes a TUN device inside a named network namespace, gives it the address and brings it up.
// The device lives as long as the returned file is open.
func openDevice(namespace, name string, prefix netip.Prefix) (*os.File, error) {
	fd, err := openTunInside(namespace, name)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "tun:"+namespace)
	for _, args := range [][]string{
		{"addr", "add", prefix.String(), "dev", name},
		{"link", "set", "dev", name, "mtu", strconv.Itoa(mtuBytes), "up"},
	} {
		if out, err := exec.Command("ip", append([]string{"-n", namespace}, args...)...).CombinedOutput(); err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("ip -n %s %v failed: %w: %s", namespace, args, err, out)
		}
	}
	return file, nil
}

// openTunInside enters the namespace on a thread of its own. The thread is never unlocked, so the runtime ends it
// instead of using it for other work inside the wrong namespace.
func openTunInside(namespace, name string) (int, error) {
	type result struct {
		fd  int
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		fd, err := enterAndOpenTun(namespace, name)
		done <- result{fd, err}
	}()
	r := <-done
	return r.fd, r.err
}

func enterAndOpenTun(namespace, name string) (int, error) {
	ns, err := unix.Open(filepath.Join(namespaceFolder, namespace), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("there is no network namespace %q: %w", namespace, err)
	}
	defer func() { _ = unix.Close(ns) }()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return -1, fmt.Errorf("cannot enter network namespace %q (this needs root): %w", namespace, err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot open /dev/net/tun (is the tun module available?): %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("device name %q: %w", name, err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("cannot make device %q in namespace %q: %w", name, namespace, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
