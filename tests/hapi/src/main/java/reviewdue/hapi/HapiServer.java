package reviewdue.hapi;

import ca.uhn.fhir.rest.server.HardcodedServerAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;

/**
 * A real FHIR R4 server on a free port of the loopback interface, with nothing kept on disk.
 *
 * <p>Says {@code READY http://127.0.0.1:PORT/fhir} on standard output once it answers, and ends when its
 * standard input does: it cannot outlive the tests that started it.
 */
public final class HapiServer {

    public static void main(String[] arguments) throws Exception {
        endWithStandardInput();
        var jetty = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        var connector = (ServerConnector) jetty.getConnectors()[0];
        connector.open(); // the port, and so the base URL, is known from here on
        String base = "http://127.0.0.1:" + connector.getLocalPort() + "/fhir";

        var servlets = new ServletContextHandler("/");
        var parts = new AnnotationConfigWebApplicationContext();
        parts.register(Parts.class);
        parts.setServletContext(servlets.getServletContext());
        parts.refresh();

        var fhir = parts.getBean(RestfulServer.class);
        fhir.setServerAddressStrategy(new HardcodedServerAddressStrategy(base));
        servlets.addServlet(new ServletHolder(fhir), "/fhir/*");
        jetty.setHandler(servlets);
        jetty.start();
        parts.getBean(TaskGate.class).warmUp();

        System.out.println("READY " + base);
        System.out.flush();
        System.setOut(System.err); // nobody reads standard output any more: a full pipe would stop the server
        jetty.join();
    }

    private static void endWithStandardInput() {
        var watcher = new Thread(() -> {
            try {
                System.in.transferTo(java.io.OutputStream.nullOutputStream());
            } catch (IOException broken) {
                System.err.println("standard input: " + broken);
            }
            Runtime.getRuntime().halt(0); // all data is in memory: there is nothing to put in order
        }, "standard-input");
        watcher.setDaemon(true);
        watcher.start();
    }
}
