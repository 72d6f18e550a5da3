package reviewdue.hapi;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.MemoryBinaryStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ca.uhn.fhir.validation.IInstanceValidatorModule;
import jakarta.persistence.EntityManagerFactory;
import java.util.Map;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/** What the server is made of: HAPI's own parts, set as on its public test server. */
@Configuration
@Import({HapiJpaConfig.class, JpaR4Config.class, ThreadPoolFactoryConfig.class, JpaBatch2Config.class,
    Batch2JobsConfig.class, SubscriptionChannelConfig.class})
class Parts {

    /** {@code -DdanglingReferences=true} lets a resource refer to one that is not there, as many EHRs do. */
    @Bean
    JpaStorageSettings storageSettings() {
        var settings = new JpaStorageSettings();
        settings.setAllowExternalReferences(true);
        settings.setAllowContainsSearches(true);
        settings.setEnforceReferentialIntegrityOnWrite(!Boolean.getBoolean("danglingReferences"));
        // Not the public server's: with these two a test can start from an empty server.
        settings.setExpungeEnabled(true);
        settings.setAllowMultipleDelete(true);
        return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
        return new PartitionSettings();
    }

    @Bean
    IBinaryStorageSvc binaryStorage() {
        return new MemoryBinaryStorageSvcImpl();
    }

    @Bean
    DataSource database() {
        var pool = new BasicDataSource();
        pool.setUrl("jdbc:h2:mem:hapi;DB_CLOSE_DELAY=-1");
        pool.setMaxTotal(16);
        return pool;
    }

    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
            ConfigurableListableBeanFactory beans, FhirContext context, JpaStorageSettings settings, DataSource database) {
        var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, context, settings);
        factory.setPersistenceUnitName("hapi");
        factory.setDataSource(database);
        factory.getJpaPropertyMap().putAll(Map.of(
                "hibernate.dialect", HapiFhirH2Dialect.class.getName(),
                "hibernate.hbm2ddl.auto", "create",
                "hibernate.search.enabled", "false"));
        return factory;
    }

    @Bean
    JpaTransactionManager transactionManager(EntityManagerFactory entities) {
        return new JpaTransactionManager(entities);
    }

    @Bean
    TaskGate taskGate(FhirContext context, IInstanceValidatorModule rules) {
        return new TaskGate(context, rules);
    }

    @Bean
    RestfulServer restfulServer(
            FhirContext context, ResourceProviderFactory resources, JpaSystemProvider<?, ?> system,
            IFhirSystemDao<?, ?> systemDao, JpaStorageSettings settings, ISearchParamRegistry searchParameters,
            IValidationSupport definitions, DatabaseBackedPagingProvider pages, TaskGate gate) {
        var server = new RestfulServer(context);
        server.registerProviders(resources.createProviders());
        server.registerProvider(system);
        server.setServerConformanceProvider(
                new JpaCapabilityStatementProvider(server, systemDao, settings, searchParameters, definitions));
        server.setDefaultResponseEncoding(EncodingEnum.JSON);
        pages.setDefaultPageSize(20);
        pages.setMaximumPageSize(200);
        server.setPagingProvider(pages);
        server.registerInterceptor(gate);
        return server;
    }
}
