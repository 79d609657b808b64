// Command place places the pods of a manifest and follows their fourteen steps as they happen, then reads the same steps with etcd's own
// client from the emulator's etcd.
//
// Exit status: 0 when every pod runs, 1 when one does not, 2 for a wrong call, 3 when no emulator answers.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	emulatorv1 "github.com/spheresim/spheresim/examples/clients/go/gen/spheresim/emulator/v1"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
)

//go:generate npx --no buf generate

// The port of a plain `npm start`.
const defaultEmulator = "127.0.0.1:7431"

// How much longer than the emulator's own time-out a call may take.
const grace = 10 * time.Second

// The last step of a placement; those of the way back are numbered from 101.
const lastStep = 14

func main() {
	emulator := flag.String("emulator", orElse(os.Getenv("SPHERESIM_EMULATOR"), defaultEmulator), "`host:port` of the emulator room; the environment's SPHERESIM_EMULATOR when absent")
	namespace := flag.String("namespace", "default", "namespace of objects that name none")
	timeout := flag.Duration("timeout", time.Minute, "give up after this long")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: place [flags] MANIFEST")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	os.Exit(run(*emulator, flag.Arg(0), *namespace, *timeout))
}

func run(address, file, namespace string, timeout time.Duration) int {
	manifest, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintf(os.Stderr, "place: manifest %v\n", err)
		return 2
	}
	security, err := clientTLS(os.Getenv("SPHERESIM_DATA_DIR"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "place: %v\n", err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout+grace)
	defer cancel()
	pods, running, err := place(ctx, address, security, &emulatorv1.PlaceRequest{Manifest: string(manifest), Namespace: namespace, Timeout: durationpb.New(timeout)})
	if err != nil {
		if status.Code(err) == codes.Unavailable {
			fmt.Fprintf(os.Stderr, "place: no emulator answers at %s; start one with `npm start`, or set SPHERESIM_EMULATOR as `spheresim env` prints it\n", address)
			return 3
		}
		fmt.Fprintf(os.Stderr, "place: %s: %s\n", status.Code(err), status.Convert(err).Message())
		return 1
	}
	if endpoint := os.Getenv("SPHERESIM_ETCD"); endpoint != "" {
		if err := readJournal(ctx, endpoint, security, pods); err != nil {
			fmt.Fprintf(os.Stderr, "place: etcd at %s: %v\n", endpoint, err)
			return 1
		}
	}
	if !running {
		return 1
	}
	return 0
}

// place shows what happens to the pods of a manifest; it returns them, and whether all of them run.
func place(ctx context.Context, address string, security *tls.Config, request *emulatorv1.PlaceRequest) ([]*emulatorv1.PodOutcome, bool, error) {
	transport := insecure.NewCredentials()
	if security != nil {
		transport = credentials.NewTLS(security)
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(transport))
	if err != nil {
		return nil, false, err
	}
	defer connection.Close()
	events, err := emulatorv1.NewEmulatorServiceClient(connection).Place(ctx, request)
	if err != nil {
		return nil, false, err
	}
	var origin time.Time
	for {
		response, err := events.Recv()
		if err != nil { // the result comes before the end of the stream
			return nil, false, err
		}
		switch event := response.GetEvent().(type) {
		case *emulatorv1.PlaceResponse_Applied:
			fmt.Printf("%s/%s %s\n", strings.ToLower(event.Applied.GetKind()), event.Applied.GetName(), event.Applied.GetChange())
		case *emulatorv1.PlaceResponse_Step:
			if origin.IsZero() {
				origin = event.Step.GetStartTime().AsTime()
			}
			showStep(event.Step, origin)
		case *emulatorv1.PlaceResponse_Result:
			for _, pod := range event.Result.GetPods() {
				showOutcome(pod)
			}
			return event.Result.GetPods(), event.Result.GetAllRunning(), nil
		}
	}
}

func showStep(step *emulatorv1.StepRecord, origin time.Time) {
	number := fmt.Sprint(step.GetStep())
	if step.GetStep() > 100 {
		number = fmt.Sprintf("D%d", step.GetStep()-100)
	}
	mark := strings.ToLower(strings.TrimPrefix(step.GetOutcome().String(), "OUTCOME_"))
	fmt.Printf("%s  step %2s  %-10s %6d ms  %s  %s\n", step.GetName(), number, step.GetRoom(), step.GetEndTime().AsTime().Sub(origin).Milliseconds(), mark, step.GetMessage())
}

func showOutcome(pod *emulatorv1.PodOutcome) {
	where := pod.GetReason()
	if pod.GetVmUuid() != "" {
		where = fmt.Sprintf("on %s, VM %s", pod.GetNode(), pod.GetVmUuid())
	}
	fmt.Printf("%s/%s %s %s\n", pod.GetNamespace(), pod.GetName(), pod.GetPhase(), where)
}

// readJournal reads the pods' steps as they are stored, with etcd's own client.
func readJournal(ctx context.Context, endpoint string, security *tls.Config, pods []*emulatorv1.PodOutcome) error {
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: security, DialTimeout: grace})
	if err != nil {
		return err
	}
	defer etcd.Close()
	for _, pod := range pods {
		prefix := "/spheresim/placements/" + pod.GetUid() + "/"
		stored, err := etcd.Get(ctx, prefix, clientv3.WithPrefix())
		if err != nil {
			return err
		}
		steps := 0
		for _, pair := range stored.Kvs {
			record := &emulatorv1.StepRecord{}
			if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(pair.Value, record); err != nil {
				return fmt.Errorf("%s: %w", pair.Key, err)
			}
			if record.GetStep() <= lastStep {
				steps++
			}
		}
		fmt.Printf("etcd holds %d steps of %s/%s under %s\n", steps, pod.GetNamespace(), pod.GetName(), prefix)
	}
	return nil
}

// clientTLS is nil, or what mutual TLS needs where the emulator was started with --tls: its data directory then holds a certificate for
// clients.
func clientTLS(dataDir string) (*tls.Config, error) {
	folder := filepath.Join(dataDir, "tls")
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "grpc-client.crt"), filepath.Join(folder, "grpc-client.key"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(folder, "ca.crt"))
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
