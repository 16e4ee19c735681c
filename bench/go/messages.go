package main

import (
	"bytes"

	"github.com/hashicorp/go-msgpack/codec"
)

// The shapes of memberlist's messages: field names and types as on the wire.
type pingBody struct {
	SeqNo      uint32
	Node       string
	SourceAddr []byte `codec:",omitempty"`
	SourcePort uint16 `codec:",omitempty"`
	SourceNode string `codec:",omitempty"`
}

type aliveBody struct {
	Incarnation uint32
	Node        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Vsn         []uint8
}

type stateBody struct {
	Name        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Incarnation uint32
	State       int
	Vsn         []uint8
}

func encodeBody(value any) []byte {
	var out bytes.Buffer
	handle := codec.MsgpackHandle{}
	if err := codec.NewEncoder(&out, &handle).Encode(value); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func decodeBody(data []byte, into any) {
	handle := codec.MsgpackHandle{}
	if err := codec.NewDecoder(bytes.NewReader(data), &handle).Decode(into); err != nil {
		panic(err)
	}
}

const longName = "ingester-zone-a-0042-1a2b3c4d"

func init() {
	ping := pingBody{4000000001, longName, []byte{192, 168, 200, 254}, 7946, "querier-6f7d8c9b-x2x4z-99aabbcc"}
	alive := aliveBody{7, longName, []byte{192, 168, 200, 254}, 7946, nil, []byte{1, 5, 2, 0, 0, 0}}
	pingBytes, aliveBytes := encodeBody(&ping), encodeBody(&alive)
	states := make([]stateBody, 100)
	var stateBytes bytes.Buffer
	for i := range states {
		states[i] = stateBody{longName, []byte{192, 168, 200, byte(i)}, 7946, nil, uint32(i), 0, []byte{1, 5, 2, 0, 0, 0}}
		stateBytes.Write(encodeBody(&states[i]))
	}
	repeat := func(name string, once func()) {
		benchmarks[name] = func(request) func(int) {
			return func(n int) {
				for range n {
					once()
				}
			}
		}
	}
	repeat("message.encode.ping", func() { sink += len(encodeBody(&ping)) })
	repeat("message.decode.ping", func() { var into pingBody; decodeBody(pingBytes, &into); sink += len(into.Node) })
	repeat("message.encode.alive", func() { sink += len(encodeBody(&alive)) })
	repeat("message.decode.alive", func() { var into aliveBody; decodeBody(aliveBytes, &into); sink += len(into.Node) })
	repeat("message.encode.states100", func() {
		var out bytes.Buffer
		handle := codec.MsgpackHandle{}
		encoder := codec.NewEncoder(&out, &handle)
		for i := range states {
			if err := encoder.Encode(&states[i]); err != nil {
				panic(err)
			}
		}
		sink += out.Len()
	})
	repeat("message.decode.states100", func() {
		handle := codec.MsgpackHandle{}
		decoder := codec.NewDecoder(bytes.NewReader(stateBytes.Bytes()), &handle)
		for range states {
			var into stateBody
			if err := decoder.Decode(&into); err != nil {
				panic(err)
			}
			sink += len(into.Name)
		}
	})
}
