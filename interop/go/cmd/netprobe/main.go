// Command netprobe measures a network path from inside a network namespace.
//
//	netprobe echo 10.77.0.1:7000                      answers on TCP and UDP until it is ended
//	netprobe udp  10.77.0.1:7000 -count -interval     sends numbered datagrams and prints what came back
//	netprobe tcp  10.77.0.1:7000 -bytes               sends bytes, reads them back, prints the times taken
//
// Each prints one JSON line on standard output.
package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: netprobe echo|udp|tcp <address> [flags]")
		os.Exit(2)
	}
	mode, address := os.Args[1], os.Args[2]
	fs := flag.NewFlagSet(mode, flag.ExitOnError)
	count := fs.Int("count", 100, "datagrams to send")
	interval := fs.Duration("interval", 5*time.Millisecond, "time between datagrams")
	wait := fs.Duration("wait", time.Second, "how long to wait for stragglers, for a connection and for each read")
	size := fs.Int("bytes", 1<<20, "bytes to send and read back")
	_ = fs.Parse(os.Args[3:])

	var result any
	var err error
	switch mode {
	case "echo":
		err = echo(address)
	case "udp":
		result, err = probeUDP(address, *count, *interval, *wait)
	case "tcp":
		result, err = probeTCP(address, *size, *wait)
	default:
		err = fmt.Errorf("unknown mode %q: use echo, udp or tcp", mode)
	}
	if err != nil {
		report(map[string]string{"error": err.Error()})
		os.Exit(1)
	}
	report(result)
}

func report(line any) { _ = json.NewEncoder(os.Stdout).Encode(line) }

func echo(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(buffer[:n], from)
		}
	}()
	report(map[string]string{"event": "ready"})
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_, _ = io.Copy(conn, conn)
		}()
	}
}

type udpResult struct {
	Sent       int `json:"sent"`
	Received   int `json:"received"`
	Duplicates int `json:"duplicates"`
	Reordered  int `json:"reordered"`
	// Missing: numbers of the datagrams that did not come back.
	Missing []int     `json:"missing"`
	RttMs   []float64 `json:"rttMs"`
}

func probeUDP(address string, count int, interval, wait time.Duration) (*udpResult, error) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	sentAt := make([]time.Time, count)
	go func() {
		for i := range count {
			sentAt[i] = time.Now()
			_, _ = conn.Write(binary.BigEndian.AppendUint64(nil, uint64(i)))
			time.Sleep(interval)
		}
	}()
	result := &udpResult{Sent: count, Missing: []int{}, RttMs: []float64{}}
	seen := make([]bool, count)
	highest := -1
	_ = conn.SetReadDeadline(time.Now().Add(time.Duration(count)*interval + wait))
	buffer := make([]byte, 16)
	for {
		n, err := conn.Read(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			for i, came := range seen {
				if !came {
					result.Missing = append(result.Missing, i)
				}
			}
			return result, nil
		}
		if err != nil || n != 8 {
			continue // an ICMP error shows as a failed read
		}
		i := int(binary.BigEndian.Uint64(buffer))
		switch {
		case seen[i]:
			result.Duplicates++
			continue
		case i < highest:
			result.Reordered++
		default:
			highest = i
		}
		seen[i] = true
		result.Received++
		result.RttMs = append(result.RttMs, ms(time.Since(sentAt[i])))
	}
}

type tcpResult struct {
	ConnectMs float64 `json:"connectMs"`
	TotalMs   float64 `json:"totalMs"`
	Bytes     int64   `json:"bytes"`
}

func probeTCP(address string, size int, wait time.Duration) (*tcpResult, error) {
	start := time.Now()
	conn, err := net.DialTimeout("tcp", address, wait)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	result := &tcpResult{ConnectMs: ms(time.Since(start))}
	go func() {
		chunk := make([]byte, 1<<16)
		for left := size; left > 0; left -= len(chunk) {
			if _, err := conn.Write(chunk[:min(left, len(chunk))]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 1<<16)
	for result.Bytes < int64(size) {
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		n, err := conn.Read(buffer)
		result.Bytes += int64(n)
		if err != nil {
			return nil, fmt.Errorf("after %d of %d bytes: %w", result.Bytes, size, err)
		}
	}
	result.TotalMs = ms(time.Since(start))
	return result, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
